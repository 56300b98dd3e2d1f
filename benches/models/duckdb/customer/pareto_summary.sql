-- domain.md, section 6: how much the top customers hold, and how few hold the greater part.
WITH limited AS (
    SELECT
        month.month,
        month.order_t12m_month,
        max(policy.value) FILTER (WHERE policy.key = 'customer.pareto_summary.top_share') AS top_part,
        max(policy.value) FILTER (WHERE policy.key = 'customer.pareto_summary.revenue_share') AS revenue_part
    FROM core.month AS month
    JOIN core.policy AS policy ON month.last_date >= policy.valid_from AND (policy.valid_to IS NULL OR month.last_date < policy.valid_to)
    WHERE month.month >= (SELECT min(month) FROM customer.monthly_grade)
    GROUP BY month.month, month.order_t12m_month
),
numbered AS (
    SELECT
        month,
        t12m_revenue,
        row_number() OVER (PARTITION BY month ORDER BY t12m_revenue DESC, customer_id) AS place,
        count(*) OVER (PARTITION BY month) AS customers,
        sum(t12m_revenue) OVER (PARTITION BY month) AS total,
        sum(t12m_revenue) OVER (PARTITION BY month ORDER BY t12m_revenue DESC, customer_id ROWS UNBOUNDED PRECEDING) - t12m_revenue AS before
    FROM customer.monthly_grade
    WHERE t12m_revenue > 0
)
SELECT
    limited.month,
    sum(numbered.t12m_revenue) FILTER (WHERE numbered.place <= ceil(round(limited.top_part * numbered.customers, 12)))::DOUBLE
        / any_value(numbered.total)::DOUBLE AS top_share,
    count(*) FILTER (WHERE round(numbered.before::DOUBLE / numbered.total::DOUBLE, 12) < limited.revenue_part) AS customers_needed_count,
    count(numbered.place) AS customer_count,
    count(*) FILTER (WHERE numbered.place <= ceil(round(limited.top_part * numbered.customers, 12))) AS top_customer_count,
    coalesce(sum(numbered.t12m_revenue), 0)::DECIMAL(18, 2) AS t12m_revenue,
    limited.order_t12m_month AS t12m_month
FROM limited
LEFT JOIN numbered ON numbered.month = limited.order_t12m_month
GROUP BY limited.month, limited.order_t12m_month
