/* ---
description: >
  Recency, frequency and monetary value of the customers with an order in the trailing window, a year. Revenue is that
  of the order lines dated in the window, returns included. Each score cuts the customers into five equal parts, 5 the
  best; ties go by customer_id. The class is the row of the policy table whose ranges hold all three scores.
owner: customer-management
key: [customer_id]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  recency_days: { type: bigint, unit: days, title: { zh: 距上次订单天数, en: Recency }, description: Days since the last order. }
  orders_count: { type: bigint, unit: orders, title: { zh: 订单数, en: Orders }, description: Orders in the window. }
  revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 收入, en: Revenue }, description: Revenue in the window. }
  r_score: { type: double, unit: points 1..5, title: { zh: R得分, en: R score }, description: "Score of recency, 5 the latest." }
  f_score: { type: double, unit: points 1..5, title: { zh: F得分, en: F score }, description: "Score of frequency, 5 the most orders." }
  m_score: { type: double, unit: points 1..5, title: { zh: M得分, en: M score }, description: "Score of revenue, 5 the most." }
  class: { type: string, title: { zh: 客户价值类型, en: Class }, description: "Class by the three scores, such as important_value." }
checks:
  - not_null: [customer_id, recency_days, orders_count, revenue, r_score, f_score, m_score, class]
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
  - expr: recency_days >= 0 and orders_count > 0
  - expr: r_score between 1 and 5 and f_score between 1 and 5 and m_score between 1 and 5
  - expr: (SELECT count(*) FROM core.customer WHERE last_order_date >= (SELECT min(customer.last_order_date) FROM customer.rfm AS scored JOIN core.customer AS customer ON customer.customer_id = scored.customer_id)) = (SELECT count(*) FROM customer.rfm)
    name: every_customer_with_an_order_in_the_window_has_one_row
  - expr: (SELECT max(size) - min(size) FROM (SELECT count(*) AS size FROM customer.rfm GROUP BY m_score) AS part) <= 1
    name: the_five_parts_are_equal
--- */
WITH policy AS (
    -- the table has no period: the policy in force on run_date
    SELECT max(value) AS window_days
    FROM core.policy
    WHERE key = 'customer.rfm.window_days' AND in_force(valid_from, valid_to, $run_date)
),

window_order AS (
    -- domain.md, section 1, "Periods": (run_date - 365, run_date]
    SELECT
        placed.customer_id,
        placed.order_date
    FROM core.customer_order AS placed
    CROSS JOIN policy
    WHERE placed.customer_id <> 'unknown' AND $run_date - placed.order_date < policy.window_days
),

ordering_customer AS (
    SELECT
        customer_id,
        $run_date - max(order_date) AS recency_days,
        count(*) AS orders_count
    FROM window_order
    GROUP BY customer_id
),

window_month AS (
    -- the months that end in the window or after it, of which alone the lines are read
    SELECT month.month, policy.window_days
    FROM core.month AS month
    CROSS JOIN policy
    WHERE $run_date - month.last_date < policy.window_days
),

customer_revenue AS (
    SELECT
        line.customer_id,
        sum(line.revenue) AS revenue
    FROM core.sales AS line
    JOIN window_month ON window_month.month = line.order_month
    WHERE line.customer_id <> 'unknown' AND $run_date - line.order_date < window_month.window_days
    GROUP BY line.customer_id
),

measured_customer AS (
    SELECT
        customer.customer_id,
        customer.recency_days,
        customer.orders_count,
        coalesce(customer_revenue.revenue, 0) AS revenue
    FROM ordering_customer AS customer
    LEFT JOIN customer_revenue ON customer_revenue.customer_id = customer.customer_id
),

scored_customer AS (
    -- domain.md, section 1, "Arithmetic": from worst to best, then by customer_id
    SELECT
        *,
        ntile(5) OVER (ORDER BY recency_days DESC, customer_id) AS r_score,
        ntile(5) OVER (ORDER BY orders_count, customer_id) AS f_score,
        ntile(5) OVER (ORDER BY revenue, customer_id) AS m_score
    FROM measured_customer
)

SELECT
    customer.customer_id,
    customer.recency_days,
    customer.orders_count,
    CAST(customer.revenue AS DECIMAL(18, 2)) AS revenue,
    CAST(customer.r_score AS DOUBLE) AS r_score,
    CAST(customer.f_score AS DOUBLE) AS f_score,
    CAST(customer.m_score AS DOUBLE) AS m_score,
    class.rfm_class AS class
FROM scored_customer AS customer
LEFT JOIN core.rfm_class AS class -- allow join-without-equality: a handful of classes, by ranges
    ON customer.r_score BETWEEN class.r_from AND class.r_to
    AND customer.f_score BETWEEN class.f_from AND class.f_to
    AND customer.m_score BETWEEN class.m_from AND class.m_to
