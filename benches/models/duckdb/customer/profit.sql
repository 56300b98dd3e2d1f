-- domain.md, section 6: revenue, the three costs and what is left, over the trailing twelve months.
WITH policy AS (
    SELECT max(value) AS minute_cost
    FROM core.policy
    WHERE key = 'customer.profit.visit_minute_cost'
        AND valid_from <= getvariable('run_date') AND (valid_to IS NULL OR valid_to > getvariable('run_date'))
),
period AS (
    SELECT max(month) - INTERVAL 11 MONTH AS from_month, max(month) AS to_month FROM core.month WHERE is_order_complete
),
sold AS (
    SELECT customer_id, sum(revenue) AS revenue, sum(cost) AS cost, sum(revenue) FILTER (WHERE cost IS NULL) AS uncosted_revenue
    FROM core.sales
    WHERE order_month BETWEEN (SELECT from_month FROM period) AND (SELECT to_month FROM period)
    GROUP BY customer_id
),
complained AS (
    SELECT complaint.customer_id, sum(price.amount) AS complaint_cost, count(*) AS complaint_count
    FROM core.complaint AS complaint
    LEFT JOIN core.complaint_cost AS price ON price.kind = complaint.kind AND price.priority = complaint.priority
    WHERE complaint.month BETWEEN (SELECT from_month FROM period) AND (SELECT to_month FROM period)
    GROUP BY complaint.customer_id
),
visited AS (
    SELECT customer_id, round(sum(minutes) * any_value(minute_cost)::DECIMAL(18, 6), 2) AS account_cost, count(*) AS visit_count
    FROM core.visit
    CROSS JOIN policy
    WHERE month BETWEEN (SELECT from_month FROM period) AND (SELECT to_month FROM period)
    GROUP BY customer_id
),
added AS (
    SELECT
        customer.customer_id,
        coalesce(sold.revenue, 0)::DECIMAL(18, 2) AS revenue,
        coalesce(sold.cost, 0)::DECIMAL(18, 2) AS cost,
        coalesce(complained.complaint_cost, 0)::DECIMAL(18, 2) AS complaint_cost,
        coalesce(visited.account_cost, 0)::DECIMAL(18, 2) AS account_cost,
        coalesce(sold.uncosted_revenue, 0)::DECIMAL(18, 2) AS uncosted_revenue,
        coalesce(complained.complaint_count, 0) AS complaint_count,
        coalesce(visited.visit_count, 0) AS visit_count
    FROM core.customer AS customer
    LEFT JOIN sold ON sold.customer_id = customer.customer_id
    LEFT JOIN complained ON complained.customer_id = customer.customer_id
    LEFT JOIN visited ON visited.customer_id = customer.customer_id
),
left_over AS (
    SELECT *, (revenue - cost - complaint_cost - account_cost)::DECIMAL(18, 2) AS contribution FROM added
)
SELECT
    customer_id,
    revenue,
    cost,
    complaint_cost,
    account_cost,
    contribution,
    contribution::DOUBLE / nullif(sum(contribution) OVER ()::DOUBLE, 0) AS contribution_share,
    rank() OVER (ORDER BY contribution DESC) AS profit_rank,
    contribution < 0 AS is_unprofitable,
    (contribution + account_cost)::DOUBLE / nullif(account_cost::DOUBLE, 0) AS return_on_effort_ratio,
    uncosted_revenue,
    complaint_count,
    visit_count
FROM left_over
