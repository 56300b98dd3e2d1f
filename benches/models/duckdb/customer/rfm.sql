-- domain.md, section 6: customers with an order in the trailing 365 days, fifths from worst to best.
WITH ordered AS (
    SELECT customer_id, max(order_date) AS last_date, count(*) AS orders_count
    FROM core.customer_order
    WHERE customer_id <> 'unknown' AND order_date > getvariable('run_date') - 365
    GROUP BY customer_id
),
earned AS (
    SELECT customer_id, sum(revenue) AS revenue
    FROM core.sales
    WHERE order_date > getvariable('run_date') - 365
    GROUP BY customer_id
),
measured AS (
    SELECT customer_id, date_diff('day', last_date, getvariable('run_date')) AS recency_days, orders_count, coalesce(revenue, 0) AS revenue
    FROM ordered LEFT JOIN earned USING (customer_id)
),
scored AS (
    SELECT *,
        ntile(5) OVER (ORDER BY recency_days DESC, customer_id) AS r,
        ntile(5) OVER (ORDER BY orders_count, customer_id) AS f,
        ntile(5) OVER (ORDER BY revenue, customer_id) AS m
    FROM measured
)
SELECT customer_id, recency_days, orders_count, revenue::DECIMAL(18, 2) AS revenue, r::DOUBLE AS r_score, f::DOUBLE AS f_score, m::DOUBLE AS m_score, rfm_class AS class
FROM scored LEFT JOIN staged.rfm_class ON r BETWEEN r_from AND r_to AND f BETWEEN f_from AND f_to AND m BETWEEN m_from AND m_to
