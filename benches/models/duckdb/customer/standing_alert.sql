-- domain.md, section 6: the alerts that no day brings or takes away.
WITH policy AS (
    SELECT
        max(value) FILTER (WHERE key = 'customer.alert.revenue_down_rate') AS revenue_down_rate,
        max(value) FILTER (WHERE key = 'customer.alert.satisfaction_down_points') AS satisfaction_points
    FROM core.policy
    WHERE valid_from <= getvariable('run_date') AND (valid_to IS NULL OR valid_to > getvariable('run_date'))
),
latest AS (
    SELECT max(month) AS month, max(last_date) AS last_date FROM core.month WHERE is_order_complete
),
compared_month AS (
    -- the twelve months before must all be complete
    SELECT month.month, month.last_date, (month.month - INTERVAL 12 MONTH)::DATE AS prior_month
    FROM core.month AS month
    JOIN core.month AS before ON before.month BETWEEN month.month - INTERVAL 23 MONTH AND month.month - INTERVAL 12 MONTH AND before.is_order_complete
    WHERE month.is_order_complete
    GROUP BY month.month, month.last_date
    HAVING count(*) = 12
),
fall AS (
    SELECT
        prior.customer_id,
        month.month,
        month.last_date,
        coalesce(now.t12m_revenue, 0) AS t12m_revenue,
        prior.t12m_revenue AS prior_revenue,
        round(coalesce(now.t12m_revenue, 0)::DOUBLE / prior.t12m_revenue::DOUBLE - 1, 12) <= policy.revenue_down_rate AS is_down
    FROM compared_month AS month
    CROSS JOIN policy
    JOIN customer.monthly_grade AS prior ON prior.month = month.prior_month AND prior.t12m_revenue <> 0
    LEFT JOIN customer.monthly_grade AS now ON now.month = month.month AND now.customer_id = prior.customer_id
),
revenue_down AS (
    SELECT
        down.customer_id,
        min(down.last_date) AS since_date,
        arg_max(down.t12m_revenue, down.month) || ' in twelve months after ' || arg_max(down.prior_revenue, down.month) AS detail
    FROM fall AS down
    WHERE down.is_down
        AND (
            SELECT count(*) FILTER (WHERE later.is_down)
            FROM fall AS later
            WHERE later.customer_id = down.customer_id AND later.month >= down.month
        ) = date_diff('month', down.month, (SELECT month FROM latest)) + 1
    GROUP BY down.customer_id
),
satisfaction_down AS (
    SELECT
        last.customer_id,
        last.answered_date AS since_date,
        concat(round(last.overall_score, 1), ' in ', last.survey_id, ' after ', round(before.overall_score, 1), ' in ', before.survey_id) AS detail
    FROM customer.survey_score AS last
    JOIN customer.survey_score AS before ON before.customer_id = last.customer_id AND before.survey_rank = 2
    CROSS JOIN policy
    WHERE last.survey_rank = 1 AND round(before.overall_score - last.overall_score, 12) >= policy.satisfaction_points
),
credit AS (
    SELECT
        customer_id,
        valid_from,
        credit_grade,
        lag(credit_grade) OVER (PARTITION BY customer_id ORDER BY valid_from) AS prior_grade
    FROM core.customer_history
),
credit_changed AS (
    SELECT *, row_number() OVER (PARTITION BY customer_id ORDER BY valid_from DESC) AS place
    FROM credit
    WHERE prior_grade IS NOT NULL AND credit_grade <> prior_grade
)
SELECT customer_id, 'revenue_down' AS reason, since_date, detail FROM revenue_down
UNION ALL
SELECT customer_id, 'satisfaction_down', since_date, detail FROM satisfaction_down
UNION ALL
SELECT customer_id, 'credit_down', valid_from, format('{} after {}', credit_grade, prior_grade) FROM credit_changed WHERE place = 1 AND credit_grade > prior_grade
