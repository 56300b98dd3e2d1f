/* ---
description: >
  Whether a customer still comes. The expected interval is that between its own order days, else the median of those
  of its industry (customers of the unknown industry among themselves), else of all customers. at_risk and lost compare
  the days since its last order with it. A customer was won back when it ordered within the time that policy names and
  was lost on the eve of one of these orders, by the orders and medians known on that eve, with the limits of today.
  Where several states hold, the order is lost, won_back, at_risk, active. A customer without an order has neither an
  expected interval nor a state; one for which no interval is known at all, because nobody has one, is active.
owner: customer-management
key: [customer_id]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  expected_interval_days: { type: double, unit: days, title: { zh: 预期订购间隔, en: Expected interval }, description: Days expected between two orders. }
  recency_days: { type: bigint, unit: days, title: { zh: 距上次订单天数, en: Recency }, description: Days since the last order. }
  state: { type: string, title: { zh: 流失状态, en: State }, description: "active, at_risk, lost or won_back; NULL without an order." }
  order_day_count: { type: bigint, unit: days, title: { zh: 订单日数, en: Order days }, description: Days with an order. }
  last_order_date: { type: date, title: { zh: 最近订单日期, en: Last order }, description: Day of the last order. }
  at_risk_date: { type: date, title: { zh: 流失风险起始日, en: At risk from }, description: "First day on which it is at risk if it does not order before; may lie ahead." }
  interval_source: { type: string, title: { zh: 间隔来源, en: Source of the interval }, description: "own, industry or overall." }
checks:
  - not_null: [customer_id]
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
  - accepted_values: { column: state, values: [active, at_risk, lost, won_back] }
  - expr: (state is null) = (recency_days is null)
  - expr: expected_interval_days > 0 and recency_days >= 0
  - expr: recency_days > expected_interval_days
    where: state in ('at_risk', 'lost')
    name: a_customer_at_risk_is_late
  - expr: (SELECT count(*) FROM customer.churn) = (SELECT count(*) FROM core.customer)
    name: every_customer_has_a_row
--- */
WITH policy AS (
    -- the table has no period: the policy in force on run_date
    SELECT
        max(CASE WHEN key = 'customer.churn.at_risk_factor' THEN value END) AS at_risk_factor,
        max(CASE WHEN key = 'customer.churn.lost_factor' THEN value END) AS lost_factor,
        max(CASE WHEN key = 'customer.churn.lost_days' THEN value END) AS lost_days,
        max(CASE WHEN key = 'customer.churn.won_back_days' THEN value END) AS won_back_days
    FROM core.policy
    WHERE key LIKE 'customer.churn.%' AND in_force(valid_from, valid_to, $run_date)
),

last_day AS (
    SELECT
        customer_id,
        industry,
        order_date,
        order_day_count,
        own_interval_days
    FROM customer.order_day
    WHERE next_order_date IS NULL
),

industry_interval AS (
    SELECT
        industry,
        exact_quantile(own_interval_days, 0.5) AS median_interval_days
    FROM last_day
    GROUP BY industry
),

overall_interval AS (
    SELECT exact_quantile(own_interval_days, 0.5) AS median_interval_days FROM last_day
),

returned_customer AS (
    -- lost on the eve of an order of the last year
    SELECT DISTINCT day.customer_id
    FROM customer.order_day AS day
    CROSS JOIN policy
    WHERE $run_date - day.order_date < policy.won_back_days
        AND day.eve_recency_days > round(policy.lost_factor * day.eve_expected_interval_days, 12)
        AND day.eve_recency_days > policy.lost_days
),

expecting_customer AS (
    SELECT
        last_day.customer_id,
        last_day.order_day_count,
        last_day.order_date AS last_order_date,
        $run_date - last_day.order_date AS recency_days,
        coalesce(last_day.own_interval_days, industry_interval.median_interval_days, overall_interval.median_interval_days)
            AS expected_interval_days,
        CASE
            WHEN last_day.own_interval_days IS NOT NULL THEN 'own'
            WHEN industry_interval.median_interval_days IS NOT NULL THEN 'industry'
            WHEN overall_interval.median_interval_days IS NOT NULL THEN 'overall'
        END AS interval_source,
        returned_customer.customer_id IS NOT NULL AS has_returned
    FROM last_day
    CROSS JOIN overall_interval -- allow join-without-equality: one row
    LEFT JOIN industry_interval ON industry_interval.industry = last_day.industry
    LEFT JOIN returned_customer ON returned_customer.customer_id = last_day.customer_id
)

SELECT
    customer.customer_id,
    expecting.expected_interval_days,
    expecting.recency_days,
    -- domain.md, section 6: the precedence is lost, won_back, at_risk, active
    CASE
        WHEN expecting.customer_id IS NULL THEN NULL
        WHEN expecting.recency_days > round(policy.lost_factor * expecting.expected_interval_days, 12)
            AND expecting.recency_days > policy.lost_days THEN 'lost'
        WHEN expecting.has_returned THEN 'won_back'
        WHEN expecting.recency_days > round(policy.at_risk_factor * expecting.expected_interval_days, 12) THEN 'at_risk'
        ELSE 'active'
    END AS state,
    coalesce(expecting.order_day_count, 0) AS order_day_count,
    expecting.last_order_date,
    -- the first whole day beyond the limit
    expecting.last_order_date
        + CAST(floor(round(policy.at_risk_factor * expecting.expected_interval_days, 12)) AS INT) + 1 AS at_risk_date,
    expecting.interval_source
FROM core.customer AS customer
CROSS JOIN policy
LEFT JOIN expecting_customer AS expecting ON expecting.customer_id = customer.customer_id
