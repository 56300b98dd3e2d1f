-- domain.md, section 6: of the customers of a first-order quarter, those with an order in each quarter.
WITH active AS (
    SELECT DISTINCT customer_id, date_trunc('quarter', order_date)::DATE AS quarter FROM customer.order_day
),
first AS (
    SELECT customer_id, min(quarter) AS first_order_quarter FROM active GROUP BY customer_id
),
cohort AS (
    SELECT first_order_quarter, count(*) AS customer_count FROM first GROUP BY first_order_quarter
),
quarter AS (
    SELECT DISTINCT quarter FROM core.month
)
SELECT
    cohort.first_order_quarter,
    quarter.quarter,
    count(active.customer_id)::DOUBLE / any_value(cohort.customer_count) AS active_share,
    count(active.customer_id) AS active_count,
    any_value(cohort.customer_count) AS customer_count,
    date_diff('quarter', cohort.first_order_quarter, quarter.quarter) AS quarters_since_count
FROM cohort
JOIN quarter ON quarter.quarter >= cohort.first_order_quarter
JOIN first ON first.first_order_quarter = cohort.first_order_quarter
LEFT JOIN active ON active.customer_id = first.customer_id AND active.quarter = quarter.quarter
GROUP BY cohort.first_order_quarter, quarter.quarter
