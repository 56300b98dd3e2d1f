-- domain.md, section 6, customer.revenue_grade, as it would have come out at the end of each calendar month.
WITH earned AS (
    SELECT customer_id, order_month, coalesce(sum(revenue), 0) AS revenue
    FROM core.sales
    WHERE customer_id <> 'unknown'
    GROUP BY customer_id, order_month
),
summed AS (
    SELECT
        month.month,
        any_value(month.last_date) AS last_date,
        earned.customer_id,
        coalesce(sum(earned.revenue) FILTER (WHERE earned.order_month = month.month), 0) AS revenue,
        sum(earned.revenue) AS t12m_revenue
    FROM core.month AS month
    JOIN earned ON earned.order_month BETWEEN month.month - INTERVAL 11 MONTH AND month.month
    GROUP BY month.month, earned.customer_id
),
shared AS (
    SELECT
        *,
        sum(greatest(t12m_revenue, 0)) OVER (PARTITION BY month) AS total,
        sum(greatest(t12m_revenue, 0)) OVER (PARTITION BY month ORDER BY t12m_revenue DESC, customer_id ROWS UNBOUNDED PRECEDING) AS running,
        rank() OVER (PARTITION BY month ORDER BY t12m_revenue DESC) AS revenue_rank
    FROM summed
),
limited AS (
    SELECT
        month.month,
        max(policy.value) FILTER (WHERE policy.key = 'customer.revenue_grade.a_below') AS a_below,
        max(policy.value) FILTER (WHERE policy.key = 'customer.revenue_grade.b_below') AS b_below
    FROM core.month AS month
    JOIN core.policy AS policy ON month.last_date >= policy.valid_from AND (policy.valid_to IS NULL OR month.last_date < policy.valid_to)
    GROUP BY month.month
),
placed AS (
    SELECT
        *,
        CASE WHEN t12m_revenue > 0 THEN (running - t12m_revenue)::DOUBLE / total::DOUBLE END AS share_before,
        CASE WHEN t12m_revenue > 0 THEN running::DOUBLE / total::DOUBLE END AS cumulative_share
    FROM shared
)
SELECT
    placed.month,
    placed.customer_id,
    placed.revenue::DECIMAL(18, 2) AS revenue,
    placed.t12m_revenue::DECIMAL(18, 2) AS t12m_revenue,
    placed.revenue_rank,
    placed.share_before,
    placed.cumulative_share,
    CASE
        WHEN round(placed.share_before, 12) < limited.a_below THEN 'A'
        WHEN round(placed.share_before, 12) < limited.b_below THEN 'B'
        ELSE 'C'
    END AS revenue_grade
FROM placed
LEFT JOIN limited ON limited.month = placed.month
