/* ---
description: >
  What a customer brought in the twelve months that end with each month, and the grade that this gave it: the past of
  customer.revenue_grade, on which pareto_summary, retention, alerts and core.customer_history stand. One row for each
  customer and month, up to run_date's, with an order line in the twelve months; a customer without a row had no
  revenue and the grade C. The months are those of the calendar, whether complete or not, and the policy is that of the
  month's last day. Revenue that is not positive has no share: it is C and outside the total. Equal revenues share a
  rank; in the cumulative share the smaller customer_id comes first.
owner: customer-management
key: [month, customer_id]
partition_by: [month]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the last of the twelve months. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 当月收入, en: Revenue of the month }, description: Revenue of the month itself. }
  t12m_revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 滚动12月收入, en: T12m revenue }, description: Revenue of the twelve months. }
  revenue_rank: { type: bigint, title: { zh: 收入排名, en: Revenue rank }, description: Rank by t12m revenue within the month. }
  share_before: { type: double, unit: share, title: { zh: 前序累计占比, en: Share before }, description: Share of the total of the customers with more revenue. }
  cumulative_share: { type: double, unit: share, title: { zh: 累计占比, en: Cumulative share }, description: "Share of the total up to this customer; NULL outside the total." }
  revenue_grade: { type: string, title: { zh: 收入等级, en: Revenue grade }, description: "A, B or C." }
checks:
  - not_null: [month, customer_id, t12m_revenue, revenue_rank, revenue_grade]
  - accepted_values: { column: revenue_grade, values: [A, B, C] }
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
  - expr: (cumulative_share is null) = (t12m_revenue <= 0) and (share_before is null) = (t12m_revenue <= 0)
  - expr: share_before >= 0 and share_before < cumulative_share and cumulative_share <= 1
  - expr: revenue_grade = 'A'
    where: revenue_rank = 1 and t12m_revenue > 0
    name: the_largest_customer_is_a
  - expr: (SELECT count(*) FROM (SELECT max(cumulative_share) AS share FROM customer.monthly_grade GROUP BY month) AS pareto WHERE share <> 1) = 0
    name: the_pareto_of_each_month_ends_at_1
  - expr: (SELECT coalesce(sum(revenue), 0) FROM customer.monthly_grade) = (SELECT coalesce(sum(revenue), 0) FROM core.sales WHERE customer_id <> 'unknown')
    name: no_revenue_is_lost
--- */
WITH customer_month AS (
    SELECT
        order_month AS month,
        customer_id,
        coalesce(sum(revenue), 0) AS revenue
    FROM core.sales
    WHERE customer_id <> 'unknown'
    GROUP BY order_month, customer_id
),

last_month AS (
    SELECT max(month) AS month FROM core.month
),

spanned_month AS (
    -- each month with lines brings the months after it, until the next one or until twelve months have passed
    SELECT
        line.month AS first_month,
        least(
            last_month.month,
            CAST(line.month + INTERVAL '11 months' AS DATE),
            CAST(lead(line.month) OVER (PARTITION BY line.customer_id ORDER BY line.month) - INTERVAL '1 month' AS DATE)
        ) AS last_month,
        line.customer_id,
        line.revenue
    FROM customer_month AS line
    CROSS JOIN last_month
),

listed_month AS (
    SELECT
        unnest(generate_series(first_month, last_month, INTERVAL '1 month')) AS month,
        first_month,
        customer_id,
        revenue
    FROM spanned_month
),

trailing_month AS (
    SELECT
        month,
        customer_id,
        CASE WHEN month = first_month THEN revenue ELSE 0 END AS revenue,
        sum(CASE WHEN month = first_month THEN revenue ELSE 0 END) OVER (
            PARTITION BY customer_id
            ORDER BY month RANGE BETWEEN INTERVAL '11 months' PRECEDING AND CURRENT ROW
        ) AS t12m_revenue
    FROM listed_month
),

ranked_month AS (
    SELECT
        month,
        customer_id,
        revenue,
        t12m_revenue,
        rank() OVER (PARTITION BY month ORDER BY t12m_revenue DESC) AS revenue_rank,
        -- domain.md, section 6: revenue that is not positive is outside the total
        sum(greatest(t12m_revenue, 0)) OVER (PARTITION BY month) AS total_revenue,
        sum(greatest(t12m_revenue, 0)) OVER (PARTITION BY month ORDER BY t12m_revenue DESC, customer_id) AS cumulative_revenue
    FROM trailing_month
),

shared_month AS (
    SELECT
        *,
        CASE WHEN t12m_revenue > 0
            THEN CAST(cumulative_revenue - t12m_revenue AS DOUBLE) / nullif(CAST(total_revenue AS DOUBLE), 0)
        END AS share_before,
        CASE WHEN t12m_revenue > 0
            THEN CAST(cumulative_revenue AS DOUBLE) / nullif(CAST(total_revenue AS DOUBLE), 0)
        END AS cumulative_share
    FROM ranked_month
),

month_policy AS (
    -- the policy in force on the last day of the month
    SELECT
        month.month,
        max(CASE WHEN policy.key = 'customer.revenue_grade.a_below' THEN policy.value END) AS a_below,
        max(CASE WHEN policy.key = 'customer.revenue_grade.b_below' THEN policy.value END) AS b_below
    FROM core.month AS month
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over two policies
        ON in_force(policy.valid_from, policy.valid_to, month.last_date)
    WHERE policy.key IN ('customer.revenue_grade.a_below', 'customer.revenue_grade.b_below')
    GROUP BY month.month
)

SELECT
    line.month,
    line.customer_id,
    CAST(line.revenue AS DECIMAL(18, 2)) AS revenue,
    CAST(line.t12m_revenue AS DECIMAL(18, 2)) AS t12m_revenue,
    CAST(line.revenue_rank AS BIGINT) AS revenue_rank,
    line.share_before,
    line.cumulative_share,
    CASE
        WHEN round(line.share_before, 12) < month_policy.a_below THEN 'A'
        WHEN round(line.share_before, 12) < month_policy.b_below THEN 'B'
        ELSE 'C'
    END AS revenue_grade
FROM shared_month AS line
LEFT JOIN month_policy ON month_policy.month = line.month
