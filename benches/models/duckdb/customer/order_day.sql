-- domain.md, section 6, customer.churn: the order days, and what was known on the eve of each.
WITH policy AS (
    SELECT
        max(value) FILTER (
            WHERE key = 'customer.churn.minimum_order_days' AND valid_from <= getvariable('run_date')
                AND (valid_to IS NULL OR valid_to > getvariable('run_date'))
        ) AS minimum_order_days,
        min(value) FILTER (WHERE key = 'customer.churn.lost_days') AS lost_days
    FROM core.policy
),
day AS (
    SELECT DISTINCT customer_id, order_date FROM core.customer_order WHERE customer_id <> 'unknown'
),
numbered AS (
    SELECT
        customer_id,
        order_date,
        row_number() OVER ordered AS order_day_count,
        lag(order_date) OVER ordered AS prior_order_date,
        lead(order_date) OVER ordered AS next_order_date,
        first_value(order_date) OVER ordered AS first_order_date
    FROM day
    WINDOW ordered AS (PARTITION BY customer_id ORDER BY order_date)
),
measured AS (
    SELECT
        numbered.*,
        customer.industry,
        CASE WHEN order_day_count >= minimum_order_days THEN date_diff('day', numbered.first_order_date, order_date) / (order_day_count - 1)::DOUBLE END
            AS own_interval_days,
        date_diff('day', prior_order_date, order_date) - 1 AS eve_recency_days
    FROM numbered
    CROSS JOIN policy
    LEFT JOIN core.customer AS customer ON customer.customer_id = numbered.customer_id
),
gap AS (
    SELECT late.customer_id, late.order_date, late.order_date - 1 AS eve, late.industry, before.own_interval_days
    FROM measured AS late
    JOIN measured AS before ON before.customer_id = late.customer_id AND before.order_date = late.prior_order_date
    CROSS JOIN policy
    WHERE late.eve_recency_days > policy.lost_days
),
known AS (
    SELECT industry, order_date, coalesce(next_order_date, DATE '9999-12-31') AS next_order_date, own_interval_days
    FROM measured
    WHERE own_interval_days IS NOT NULL
),
eve AS (
    SELECT DISTINCT eve FROM gap WHERE own_interval_days IS NULL
),
overall AS (
    SELECT eve.eve, quantile_cont(known.own_interval_days, 0.5) AS interval_days
    FROM eve
    JOIN known ON known.order_date <= eve.eve AND known.next_order_date > eve.eve
    GROUP BY eve.eve
),
by_industry AS (
    SELECT eve.eve, known.industry, quantile_cont(known.own_interval_days, 0.5) AS interval_days
    FROM eve
    JOIN known ON known.order_date <= eve.eve AND known.next_order_date > eve.eve
    GROUP BY eve.eve, known.industry
)
SELECT
    measured.customer_id,
    measured.order_date,
    measured.industry,
    measured.order_day_count,
    measured.next_order_date,
    measured.own_interval_days,
    measured.eve_recency_days,
    CASE WHEN gap.eve IS NOT NULL THEN coalesce(gap.own_interval_days, by_industry.interval_days, overall.interval_days) END AS eve_expected_interval_days
FROM measured
LEFT JOIN gap ON gap.customer_id = measured.customer_id AND gap.order_date = measured.order_date
LEFT JOIN by_industry ON by_industry.eve = gap.eve AND by_industry.industry = gap.industry
LEFT JOIN overall ON overall.eve = gap.eve
