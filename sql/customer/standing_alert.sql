/* ---
description: >
  The alerts of customer.alert that no day brings or takes away, but only a month that ends, a survey or a change of grade:
  revenue_down, satisfaction_down and credit_down, as customer.alert says. They stand by themselves, so that a night on
  which nothing of this happened need not look for them again.
owner: customer-management
key: [customer_id, reason]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  reason: { type: string, title: { zh: 预警原因, en: Reason }, description: "revenue_down, satisfaction_down or credit_down." }
  since_date: { type: date, title: { zh: 起始日期, en: Since }, description: First day on which it held. }
  detail: { type: string, title: { zh: 详情, en: Detail }, description: What was found. }
checks:
  - not_null: [customer_id, reason, since_date, detail]
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
  - accepted_values: { column: reason, values: [revenue_down, satisfaction_down, credit_down] }
--- */
WITH policy AS (
    -- the table has no period: the policy in force on run_date
    SELECT
        max(CASE WHEN key = 'customer.alert.revenue_down_rate' THEN value END) AS revenue_down_rate,
        max(CASE WHEN key = 'customer.alert.satisfaction_down_points' THEN value END) AS satisfaction_down_points
    FROM core.policy
    WHERE key LIKE 'customer.alert.%' AND in_force(valid_from, valid_to, $run_date)
),

numbered_month AS (
    -- how many months are complete up to each one
    SELECT
        month,
        last_date,
        is_order_complete,
        sum(CASE WHEN is_order_complete THEN 1 ELSE 0 END) OVER (ORDER BY month) AS complete_count
    FROM core.month
),

compared_month AS (
    -- complete months of which the twelve before the trailing twelve are complete
    SELECT
        this.month,
        this.last_date,
        before.month AS month_a_year_before
    FROM numbered_month AS this
    JOIN numbered_month AS before ON before.month = CAST(this.month - INTERVAL '12 months' AS DATE)
    LEFT JOIN numbered_month AS start ON start.month = CAST(this.month - INTERVAL '24 months' AS DATE)
    WHERE this.is_order_complete AND before.complete_count - coalesce(start.complete_count, 0) = 12
),

t12m_end AS (
    -- domain.md, section 1, "Periods": the latest complete month, by order lines
    SELECT max(month) AS month FROM core.month WHERE is_order_complete
),

fallen_revenue AS (
    SELECT
        before.customer_id,
        compared_month.month,
        compared_month.last_date,
        coalesce(this.t12m_revenue, 0) AS t12m_revenue,
        before.t12m_revenue AS prior_revenue
    FROM compared_month
    CROSS JOIN policy
    JOIN customer.monthly_grade AS before ON before.month = compared_month.month_a_year_before
    LEFT JOIN customer.monthly_grade AS this
        ON this.month = compared_month.month AND this.customer_id = before.customer_id
    -- domain.md, section 1, "Arithmetic": no growth where the twelve before brought 0
    WHERE round(CAST(coalesce(this.t12m_revenue, 0) AS DOUBLE) / nullif(CAST(before.t12m_revenue AS DOUBLE), 0) - 1, 12)
        <= policy.revenue_down_rate
),

revenue_run AS (
    -- a run up to the latest month has as many months down as lie between; one that is not down, or has no growth, breaks it
    SELECT
        fallen_revenue.*,
        whole_months(fallen_revenue.month, t12m_end.month) AS months_ago,
        CAST(row_number() OVER (PARTITION BY fallen_revenue.customer_id ORDER BY fallen_revenue.month DESC) AS BIGINT) AS down_number
    FROM fallen_revenue
    CROSS JOIN t12m_end
),

revenue_down AS (
    SELECT
        customer_id,
        'revenue_down' AS reason,
        min(last_date) AS since_date,
        concat(
            max(CASE WHEN months_ago = 0 THEN t12m_revenue END),
            ' in twelve months after ',
            max(CASE WHEN months_ago = 0 THEN prior_revenue END)
        ) AS detail
    FROM revenue_run
    WHERE down_number = months_ago + 1
    GROUP BY customer_id
),

satisfaction_down AS (
    SELECT
        latest.customer_id,
        'satisfaction_down' AS reason,
        latest.answered_date AS since_date,
        concat(round(latest.overall_score, 1), ' in ', latest.survey_id, ' after ', round(before.overall_score, 1), ' in ', before.survey_id) AS detail
    FROM customer.survey_score AS latest
    CROSS JOIN policy
    JOIN customer.survey_score AS before ON before.customer_id = latest.customer_id
    WHERE latest.survey_rank = 1
        AND before.survey_rank = 2
        AND round(before.overall_score - latest.overall_score, 12) >= policy.satisfaction_down_points
),

graded_span AS (
    SELECT
        customer_id,
        valid_from,
        credit_grade,
        lag(credit_grade) OVER (PARTITION BY customer_id ORDER BY valid_from) AS previous_grade
    FROM core.customer_history
),

changed_grade AS (
    SELECT
        customer_id,
        valid_from,
        credit_grade,
        previous_grade,
        lead(valid_from) OVER (PARTITION BY customer_id ORDER BY valid_from) AS next_change
    FROM graded_span
    WHERE credit_grade <> previous_grade
),

credit_down AS (
    -- the grades are letters: a later one is worse
    SELECT
        customer_id,
        'credit_down' AS reason,
        valid_from AS since_date,
        concat(credit_grade, ' after ', previous_grade) AS detail
    FROM changed_grade
    WHERE next_change IS NULL AND credit_grade > previous_grade
)

SELECT customer_id, reason, since_date, detail FROM revenue_down
UNION ALL
SELECT customer_id, reason, since_date, detail FROM satisfaction_down
UNION ALL
SELECT customer_id, reason, since_date, detail FROM credit_down
