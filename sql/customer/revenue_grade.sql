/* ---
description: >
  Revenue of each customer in the trailing twelve months, which end with the latest month complete in orders, and the
  grade by the share of those before it. Revenue that is not positive is C and outside the total; a customer without a
  line in these months has 0. Equal revenues share a rank; in the cumulative share the smaller customer_id comes first.
  Rows that name no customer are neither here nor in the total. Before the first complete month all are C.
owner: customer-management
key: [customer_id]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 滚动12月收入, en: T12m revenue }, description: Revenue of the trailing twelve months. }
  revenue_rank: { type: bigint, title: { zh: 收入排名, en: Revenue rank }, description: Rank by revenue. }
  cumulative_share: { type: double, unit: share, title: { zh: 累计占比, en: Cumulative share }, description: "Share of the total up to this customer; NULL outside the total." }
  revenue_grade: { type: string, title: { zh: 收入等级, en: Revenue grade }, description: "A, B or C." }
  share_before: { type: double, unit: share, title: { zh: 前序累计占比, en: Share before }, description: Share of the total of the customers before this one. }
  t12m_month: { type: date, title: { zh: 滚动12月末月, en: T12m end }, description: Last of the twelve months. }
checks:
  - not_null: [customer_id, revenue, revenue_rank, revenue_grade]
  - accepted_values: { column: revenue_grade, values: [A, B, C] }
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
  - expr: (cumulative_share is null) = (revenue <= 0)
  - expr: revenue_grade = 'C'
    where: revenue <= 0
    name: without_revenue_is_c
  - expr: (SELECT count(*) FROM customer.revenue_grade) = (SELECT count(*) FROM core.customer)
    name: every_customer_has_a_row
  - expr: (SELECT coalesce(max(cumulative_share), 1) FROM customer.revenue_grade) = 1
    name: the_pareto_ends_at_1
--- */
WITH t12m_end AS (
    -- domain.md, section 1, "Periods": the latest complete month, by order lines
    SELECT max(month) AS month FROM core.month WHERE is_order_complete
),

graded_customer AS (
    SELECT
        grade.customer_id,
        grade.t12m_revenue,
        grade.share_before,
        grade.cumulative_share
    FROM customer.monthly_grade AS grade
    JOIN t12m_end ON t12m_end.month = grade.month
),

policy AS (
    -- the table has no period: the policy in force on run_date
    SELECT
        max(CASE WHEN key = 'customer.revenue_grade.a_below' THEN value END) AS a_below,
        max(CASE WHEN key = 'customer.revenue_grade.b_below' THEN value END) AS b_below
    FROM core.policy
    WHERE key LIKE 'customer.revenue_grade.%' AND in_force(valid_from, valid_to, $run_date)
)

SELECT
    customer.customer_id,
    CAST(coalesce(graded.t12m_revenue, 0) AS DECIMAL(18, 2)) AS revenue,
    CAST(rank() OVER (ORDER BY coalesce(graded.t12m_revenue, 0) DESC) AS BIGINT) AS revenue_rank,
    graded.cumulative_share,
    CASE
        WHEN round(graded.share_before, 12) < policy.a_below THEN 'A'
        WHEN round(graded.share_before, 12) < policy.b_below THEN 'B'
        ELSE 'C'
    END AS revenue_grade,
    graded.share_before,
    t12m_end.month AS t12m_month
FROM core.customer AS customer
CROSS JOIN t12m_end
CROSS JOIN policy
LEFT JOIN graded_customer AS graded ON graded.customer_id = customer.customer_id
