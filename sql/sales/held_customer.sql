/* ---
description: >
  The customers of each manager at the end of each quarter (of the running one at run_date), and what they were then: on
  this sales.manager_scorecard stands. A row for each customer that has a manager on that day, from the first quarter
  with order lines on. The revenue grade is that of the twelve months that end with the latest complete month of the
  quarter; without revenue it is C. Lost as in customer.churn, by the orders and medians known on that day; a customer
  without an order is not lost. Loyal means at least the orders and the wallet share that policy asks for, by the
  censuses known then (an advocate is loyal too); without a fleet it is not loyal. Policies are those in force on
  the last day of the quarter.
owner: sales-operations
key: [quarter, customer_id]
partition_by: [quarter]
columns:
  quarter: { type: date, title: { zh: 季度, en: Quarter }, description: First day of the quarter. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  manager: { type: string, title: { zh: 客户经理, en: Manager }, description: Manager at the end of the quarter. }
  revenue_grade: { type: string, title: { zh: 收入等级, en: Revenue grade }, description: "A, B or C." }
  is_lost: { type: boolean, title: { zh: 是否流失, en: Is lost }, description: "Lost at the end of the quarter." }
  is_loyal: { type: boolean, title: { zh: 是否忠诚, en: Is loyal }, description: "Loyal or advocate on the ladder at the end of the quarter." }
  orders_count: { type: bigint, unit: orders, title: { zh: 累计订单数, en: Orders }, description: Orders up to the end of the quarter. }
  wallet_share: { type: double, unit: share, title: { zh: 钱包份额, en: Wallet share }, description: "Own machines of its fleet, by the censuses known then." }
  recency_days: { type: bigint, unit: days, title: { zh: 距上次订单天数, en: Recency }, description: Days from the last order day; NULL without an order. }
  expected_interval_days: { type: double, unit: days, title: { zh: 预期间隔天数, en: Expected interval }, description: "Its own interval, else the median of its industry, else of all." }
checks:
  - not_null: [quarter, customer_id, manager, revenue_grade, is_lost, is_loyal, orders_count]
  - accepted_values: { column: revenue_grade, values: [A, B, C] }
  - expr: (recency_days is null) = (orders_count = 0)
  - expr: not (is_lost and orders_count = 0)
  - expr: wallet_share between 0 and 1
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
--- */
WITH ordered_quarter AS (
    SELECT
        quarter,
        least(CAST(quarter + INTERVAL '3 months' - INTERVAL '1 day' AS DATE), $run_date) AS last_date,
        max(order_t12m_month) AS grade_month
    FROM core.month
    WHERE order_t12m_month IS NOT NULL
    GROUP BY quarter
),

quarter_policy AS (
    SELECT
        ordered.quarter,
        max(CASE WHEN policy.key = 'customer.churn.lost_factor' THEN policy.value END) AS lost_factor,
        max(CASE WHEN policy.key = 'customer.churn.lost_days' THEN policy.value END) AS lost_days,
        max(CASE WHEN policy.key = 'customer.loyalty.loyal_orders_from' THEN policy.value END) AS loyal_orders_from,
        max(CASE WHEN policy.key = 'customer.loyalty.loyal_wallet_from' THEN policy.value END) AS loyal_wallet_from
    FROM ordered_quarter AS ordered
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over four policies
        ON in_force(policy.valid_from, policy.valid_to, ordered.quarter + INTERVAL '3 months' - INTERVAL '1 day')
    WHERE policy.key LIKE 'customer.churn.lost_%' OR policy.key LIKE 'customer.loyalty.loyal_%'
    GROUP BY ordered.quarter
),

held AS (
    SELECT
        ordered.quarter,
        ordered.last_date,
        ordered.grade_month,
        span.customer_id,
        span.manager
    FROM core.customer_manager AS span
    JOIN ordered_quarter AS ordered -- allow join-without-equality: the last days of a handful of quarters
        ON in_force(span.valid_from, span.valid_to, ordered.last_date)
),

known_interval AS (
    -- the intervals that customers had of their own, by the orders up to the end of the quarter
    SELECT
        ordered.quarter,
        day.industry,
        day.own_interval_days
    FROM customer.order_day AS day
    JOIN ordered_quarter AS ordered -- allow join-without-equality: intervals, and the last days of a handful of quarters
        ON day.order_date <= ordered.last_date
        AND (day.next_order_date IS NULL OR day.next_order_date > ordered.last_date)
    WHERE day.own_interval_days IS NOT NULL
),

industry_interval AS (
    SELECT quarter, industry, exact_quantile(own_interval_days, 0.5) AS median_interval_days
    FROM known_interval
    GROUP BY quarter, industry
),

overall_interval AS (
    SELECT quarter, exact_quantile(own_interval_days, 0.5) AS median_interval_days
    FROM known_interval
    GROUP BY quarter
),

held_day AS (
    -- the last order day of a held customer
    SELECT
        held.quarter,
        held.customer_id,
        day.industry,
        held.last_date - day.order_date AS recency_days,
        day.own_interval_days
    FROM held
    JOIN customer.order_day AS day
        ON day.customer_id = held.customer_id
        AND day.order_date <= held.last_date
        AND (day.next_order_date IS NULL OR day.next_order_date > held.last_date)
),

ordering_held AS (
    SELECT
        held.quarter,
        held.customer_id,
        count(*) AS orders_count
    FROM held
    JOIN core.customer_order AS placed ON placed.customer_id = held.customer_id AND placed.order_date <= held.last_date
    GROUP BY held.quarter, held.customer_id
),

measured_held AS (
    SELECT
        held.quarter,
        held.customer_id,
        held.manager,
        coalesce(grade.revenue_grade, 'C') AS revenue_grade,
        coalesce(ordering.orders_count, 0) AS orders_count,
        CAST(fleet.own_fleet_units AS DOUBLE) / nullif(fleet.fleet_units, 0) AS wallet_share,
        known.recency_days,
        CASE WHEN known.customer_id IS NOT NULL
            THEN coalesce(known.own_interval_days, industry_interval.median_interval_days, overall_interval.median_interval_days)
        END AS expected_interval_days
    FROM held
    LEFT JOIN customer.monthly_grade AS grade
        ON grade.month = held.grade_month AND grade.customer_id = held.customer_id
    LEFT JOIN ordering_held AS ordering
        ON ordering.quarter = held.quarter AND ordering.customer_id = held.customer_id
    LEFT JOIN core.fleet_quarter AS fleet
        ON fleet.quarter = held.quarter AND fleet.customer_id = held.customer_id
    LEFT JOIN held_day AS known
        ON known.quarter = held.quarter AND known.customer_id = held.customer_id
    LEFT JOIN industry_interval
        ON industry_interval.quarter = held.quarter AND industry_interval.industry = known.industry
    LEFT JOIN overall_interval ON overall_interval.quarter = held.quarter
)

SELECT
    held.quarter,
    held.customer_id,
    held.manager,
    held.revenue_grade,
    -- domain.md, section 6, customer.churn; who has no interval to be measured by is not lost
    coalesce(
        held.recency_days > quarter_policy.lost_days
            AND held.recency_days > round(quarter_policy.lost_factor * held.expected_interval_days, 12),
        false
    ) AS is_lost,
    -- domain.md, section 6, customer.loyalty; an advocate is loyal too
    coalesce(held.orders_count >= quarter_policy.loyal_orders_from AND round(held.wallet_share, 12) >= quarter_policy.loyal_wallet_from, false) AS is_loyal,
    held.orders_count,
    held.wallet_share,
    held.recency_days,
    held.expected_interval_days
FROM measured_held AS held
LEFT JOIN quarter_policy ON quarter_policy.quarter = held.quarter
