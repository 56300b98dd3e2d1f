-- domain.md, section 6: grades by the share before the row, over the twelve months that end with the latest complete month.
WITH policy AS (
    SELECT
        max(value) FILTER (WHERE key = 'customer.revenue_grade.a_below') AS a_below,
        max(value) FILTER (WHERE key = 'customer.revenue_grade.b_below') AS b_below
    FROM core.policy
    WHERE valid_from <= getvariable('run_date') AND (valid_to IS NULL OR valid_to > getvariable('run_date'))
),
latest AS (
    SELECT max(month) AS month FROM core.month WHERE is_order_complete
),
earned AS (
    SELECT customer.customer_id, coalesce(grade.t12m_revenue, 0) AS revenue
    FROM core.customer AS customer
    LEFT JOIN (SELECT customer_id, t12m_revenue FROM customer.monthly_grade WHERE month = (SELECT month FROM latest)) AS grade
        ON grade.customer_id = customer.customer_id
),
shared AS (
    SELECT
        customer_id,
        revenue,
        rank() OVER (ORDER BY revenue DESC) AS revenue_rank,
        sum(revenue) OVER (ORDER BY revenue DESC, customer_id ROWS UNBOUNDED PRECEDING) AS running,
        sum(revenue) FILTER (WHERE revenue > 0) OVER () AS total
    FROM earned
),
placed AS (
    SELECT
        *,
        CASE WHEN revenue > 0 THEN (running - revenue)::DOUBLE / total::DOUBLE END AS share_before,
        CASE WHEN revenue > 0 THEN running::DOUBLE / total::DOUBLE END AS cumulative_share
    FROM shared
)
SELECT
    customer_id,
    revenue::DECIMAL(18, 2) AS revenue,
    revenue_rank,
    cumulative_share,
    CASE
        WHEN round(share_before, 12) < a_below THEN 'A'
        WHEN round(share_before, 12) < b_below THEN 'B'
        ELSE 'C'
    END AS revenue_grade,
    share_before,
    (SELECT month FROM latest) AS t12m_month
FROM placed
CROSS JOIN policy
