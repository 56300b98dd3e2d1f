-- domain.md, section 6: the state of a customer by its own interval, that of its industry, or that of all.
WITH policy AS (
    SELECT
        max(value) FILTER (WHERE key = 'customer.churn.at_risk_factor') AS at_risk_factor,
        max(value) FILTER (WHERE key = 'customer.churn.lost_factor') AS lost_factor,
        max(value) FILTER (WHERE key = 'customer.churn.lost_days') AS lost_days,
        max(value) FILTER (WHERE key = 'customer.churn.won_back_days') AS won_back_days
    FROM core.policy
    WHERE valid_from <= getvariable('run_date') AND (valid_to IS NULL OR valid_to > getvariable('run_date'))
),
last_day AS (
    SELECT customer_id, industry, order_date, order_day_count, own_interval_days
    FROM customer.order_day
    WHERE next_order_date IS NULL
),
industry AS (
    SELECT industry, quantile_cont(own_interval_days, 0.5) AS interval_days FROM last_day GROUP BY industry
),
overall AS (
    SELECT quantile_cont(own_interval_days, 0.5) AS interval_days FROM last_day
),
returned AS (
    SELECT DISTINCT day.customer_id
    FROM customer.order_day AS day
    CROSS JOIN policy
    WHERE day.order_date > getvariable('run_date') - policy.won_back_days::INT
        AND round(day.eve_recency_days - policy.lost_factor * day.eve_expected_interval_days, 12) > 0
        AND day.eve_recency_days > policy.lost_days
),
measured AS (
    SELECT
        customer.customer_id,
        coalesce(last_day.own_interval_days, industry.interval_days, overall.interval_days) AS expected_interval_days,
        date_diff('day', last_day.order_date, getvariable('run_date')) AS recency_days,
        coalesce(last_day.order_day_count, 0) AS order_day_count,
        last_day.order_date AS last_order_date,
        returned.customer_id IS NOT NULL AS is_returned,
        CASE
            WHEN last_day.own_interval_days IS NOT NULL THEN 'own'
            WHEN industry.interval_days IS NOT NULL THEN 'industry'
            WHEN overall.interval_days IS NOT NULL THEN 'overall'
        END AS interval_source
    FROM core.customer AS customer
    LEFT JOIN last_day ON last_day.customer_id = customer.customer_id
    LEFT JOIN industry ON industry.industry = last_day.industry
    LEFT JOIN returned ON returned.customer_id = customer.customer_id
    LEFT JOIN overall ON last_day.customer_id IS NOT NULL
)
SELECT
    customer_id,
    expected_interval_days,
    recency_days,
    CASE
        WHEN recency_days IS NULL THEN NULL
        WHEN round(recency_days - lost_factor * expected_interval_days, 12) > 0 AND recency_days > lost_days THEN 'lost'
        WHEN is_returned THEN 'won_back'
        WHEN round(recency_days - at_risk_factor * expected_interval_days, 12) > 0 THEN 'at_risk'
        ELSE 'active'
    END AS state,
    order_day_count,
    last_order_date,
    last_order_date + (floor(round(at_risk_factor * expected_interval_days, 12))::INT + 1) AS at_risk_date,
    interval_source
FROM measured
CROSS JOIN policy
