/* ---
description: >
  How much revenue hangs on how few customers: each month up to run_date's, from the first one with an order line on,
  over the twelve months that end with the latest complete month up to it, so that a running month repeats the one
  before. Counted are the customers with positive revenue in these months; those that are not known are left out, as in
  the grades. top_customer_count is the top part of them, rounded up; customers_needed_count are the fewest that hold
  the part of the revenue that policy names. Before the first complete month, and where nobody has positive revenue,
  counts and revenue are 0 and the share NULL.
owner: customer-management
key: [month]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the month. }
  top_share: { type: double, unit: share, title: { zh: 头部客户收入占比, en: Top share }, description: Share of the revenue that the top customers hold. }
  customers_needed_count: { type: bigint, unit: customers, title: { zh: 达到八成所需客户数, en: Customers needed }, description: Fewest customers that hold the part of policy. }
  customer_count: { type: bigint, unit: customers, title: { zh: 客户数, en: Customers }, description: Customers with positive revenue. }
  top_customer_count: { type: bigint, unit: customers, title: { zh: 头部客户数, en: Top customers }, description: "The top part of them, rounded up." }
  t12m_revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 滚动12月收入, en: T12m revenue }, description: Revenue of the customers with positive revenue. }
  t12m_month: { type: date, title: { zh: 滚动12月末月, en: T12m end }, description: Last of the twelve months. }
checks:
  - not_null: [month, customers_needed_count, customer_count, top_customer_count, t12m_revenue]
  - expr: top_share > 0 and top_share <= 1
  - expr: top_customer_count <= customer_count and customers_needed_count <= customer_count
  - expr: (customer_count = 0) = (top_share is null)
  - expr: customers_needed_count > 0
    where: customer_count > 0
  - expr: month >= t12m_month
--- */
WITH ranked_customer AS (
    SELECT
        month,
        t12m_revenue,
        share_before,
        row_number() OVER (PARTITION BY month ORDER BY t12m_revenue DESC, customer_id) AS place,
        count(*) OVER (PARTITION BY month) AS customer_count
    FROM customer.monthly_grade
    WHERE t12m_revenue > 0
),

month_policy AS (
    -- the policy in force on the last day of the month
    SELECT
        month.month,
        max(CASE WHEN policy.key = 'customer.pareto_summary.top_share' THEN policy.value END) AS top_part,
        max(CASE WHEN policy.key = 'customer.pareto_summary.revenue_share' THEN policy.value END) AS revenue_part
    FROM core.month AS month
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over two policies
        ON in_force(policy.valid_from, policy.valid_to, month.last_date)
    WHERE policy.key LIKE 'customer.pareto_summary.%'
    GROUP BY month.month
),

summarised_month AS (
    SELECT
        month.month,
        month.order_t12m_month AS t12m_month,
        count(customer.place) AS customer_count,
        count(*) FILTER (WHERE customer.place <= ceil(round(customer.customer_count * month_policy.top_part, 9))) AS top_customer_count,
        sum(CASE WHEN customer.place <= ceil(round(customer.customer_count * month_policy.top_part, 9)) THEN customer.t12m_revenue END) AS top_revenue,
        -- a customer is needed while those before it do not hold the part
        count(*) FILTER (WHERE round(customer.share_before, 12) < month_policy.revenue_part) AS customers_needed_count,
        sum(customer.t12m_revenue) AS t12m_revenue
    FROM core.month AS month
    LEFT JOIN month_policy ON month_policy.month = month.month
    LEFT JOIN ranked_customer AS customer ON customer.month = month.order_t12m_month
    GROUP BY month.month, month.order_t12m_month
),

first_month AS (
    SELECT min(month) AS month FROM customer.monthly_grade
)

SELECT
    summary.month,
    CAST(summary.top_revenue AS DOUBLE) / nullif(CAST(summary.t12m_revenue AS DOUBLE), 0) AS top_share,
    summary.customers_needed_count,
    summary.customer_count,
    summary.top_customer_count,
    CAST(coalesce(summary.t12m_revenue, 0) AS DECIMAL(18, 2)) AS t12m_revenue,
    summary.t12m_month
FROM summarised_month AS summary
JOIN first_month ON summary.month >= first_month.month
