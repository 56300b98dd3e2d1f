-- domain.md, section 7: the five components of a manager's score, min-maxed within the quarter.
WITH line AS (
    SELECT date_trunc('quarter', sale.order_month)::DATE AS quarter, coalesce(span.manager, 'unknown') AS manager, sale.revenue, sale.is_return
    FROM core.sales AS sale
    LEFT JOIN core.customer_manager AS span
        ON span.customer_id = sale.customer_id
        AND span.valid_from <= sale.order_date AND coalesce(span.valid_to > sale.order_date, TRUE)
),
sold AS (
    SELECT quarter, manager, sum(revenue) AS revenue, sum(revenue) FILTER (NOT is_return) AS sold_revenue FROM line GROUP BY quarter, manager
),
answer AS (
    SELECT DISTINCT survey_id, respondent_id, brand, answered_date, customer_id, overall_score
    FROM core.survey_answer
    WHERE is_own AND respondent_type = 'end_customer' AND is_first_factor
),
answered AS (
    SELECT
        date_trunc('quarter', answer.answered_date)::DATE AS quarter,
        coalesce(span.manager, 'unknown') AS manager,
        count(answer.overall_score) AS answer_count,
        avg(answer.overall_score) AS satisfaction_score
    FROM answer
    LEFT JOIN core.customer_manager AS span
        ON span.customer_id = answer.customer_id
        AND span.valid_from <= answer.answered_date AND coalesce(span.valid_to > answer.answered_date, TRUE)
    GROUP BY ALL
),
held AS (
    SELECT
        quarter,
        manager,
        count(*) AS customer_count,
        count(*) FILTER (is_loyal) AS loyal_count,
        count(*) FILTER (revenue_grade = 'A') AS key_account_count,
        count(*) FILTER (revenue_grade = 'A' AND is_lost) AS lost_count
    FROM sales.held_customer
    GROUP BY quarter, manager
),
target AS (
    SELECT period_from_date AS quarter, owner_member AS manager, target AS target_amount
    FROM core.target
    WHERE owner_kind = 'manager' AND measure = 'revenue' AND is_quarter
),
quarter_of AS (
    SELECT DISTINCT quarter FROM core.month
    WHERE quarter >= (SELECT min(quarter) FROM sold) AND month <= getvariable('run_date')
),
named AS (
    SELECT quarter, manager FROM sold
    UNION SELECT quarter, manager FROM answered
    UNION SELECT quarter, manager FROM held
    UNION SELECT quarter, manager FROM target
),
whole AS (
    SELECT quarter, sum(sold_revenue) AS whole_revenue FROM sold GROUP BY quarter
),
measured AS (
    SELECT
        quarter,
        manager,
        (CASE WHEN sold.manager IS NULL THEN 0 ELSE sold.revenue END)::DOUBLE / nullif(target.target_amount, 0)::DOUBLE AS attainment_rate,
        coalesce(sold.sold_revenue, 0)::DOUBLE / nullif(whole.whole_revenue, 0)::DOUBLE AS sales_share,
        answered.satisfaction_score,
        held.loyal_count::DOUBLE / nullif(held.customer_count, 0) AS loyal_share,
        held.lost_count::DOUBLE / nullif(held.key_account_count, 0) AS key_account_churn_rate,
        CASE WHEN sold.manager IS NULL THEN 0 ELSE sold.revenue END AS revenue,
        target.target_amount,
        coalesce(held.customer_count, 0) AS customer_count,
        coalesce(held.key_account_count, 0) AS key_account_count,
        coalesce(answered.answer_count, 0) AS answer_count
    FROM named
    JOIN quarter_of USING (quarter)
    LEFT JOIN sold USING (quarter, manager)
    LEFT JOIN answered USING (quarter, manager)
    LEFT JOIN held USING (quarter, manager)
    LEFT JOIN target USING (quarter, manager)
    LEFT JOIN whole USING (quarter)
),
policy AS (
    SELECT quarter, replace(key, 'sales.manager_scorecard.weight_', '') AS component, value AS weight
    FROM quarter_of
    JOIN core.policy
        ON key LIKE 'sales.manager_scorecard.weight_%'
        AND valid_from <= quarter + INTERVAL 3 MONTH - INTERVAL 1 DAY
        AND coalesce(valid_to > quarter + INTERVAL 3 MONTH - INTERVAL 1 DAY, TRUE)
),
component AS (
    UNPIVOT (
        SELECT
            quarter,
            manager,
            attainment_rate AS attainment,
            sales_share,
            satisfaction_score AS satisfaction,
            loyal_share,
            -key_account_churn_rate AS churn
        FROM measured
        WHERE manager <> 'unknown'
    )
    ON attainment, sales_share, satisfaction, loyal_share, churn
    INTO NAME component VALUE value
),
spread AS (
    SELECT
        *,
        min(value) OVER (PARTITION BY quarter, component) AS lowest,
        max(value) OVER (PARTITION BY quarter, component) AS highest
    FROM component
),
scored AS (
    SELECT
        quarter,
        manager,
        sum(policy.weight * CASE WHEN round(highest - lowest, 12) = 0 THEN 0.5 ELSE (value - lowest) / (highest - lowest) END)
            / nullif(sum(policy.weight), 0) AS score
    FROM spread JOIN policy USING (quarter, component)
    GROUP BY quarter, manager
),
ranked AS (
    SELECT quarter, manager, score, rank() OVER (PARTITION BY quarter ORDER BY round(score, 12) DESC) AS rank FROM scored
)
SELECT
    quarter,
    manager,
    attainment_rate,
    sales_share,
    satisfaction_score,
    loyal_share,
    key_account_churn_rate,
    score,
    rank,
    revenue::DECIMAL(18, 2) AS revenue,
    target_amount,
    customer_count,
    key_account_count,
    answer_count
FROM measured LEFT JOIN ranked USING (quarter, manager)
