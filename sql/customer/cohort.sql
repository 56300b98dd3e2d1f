/* ---
description: >
  Of the customers whose first order lies in one quarter, the part with an order in each quarter from then on, up to
  run_date's, which may still be running. The part in the first quarter is 1.
owner: customer-management
key: [first_order_quarter, quarter]
columns:
  first_order_quarter: { type: date, title: { zh: 首单季度, en: First-order quarter }, description: Quarter of the first order. }
  quarter: { type: date, title: { zh: 季度, en: Quarter }, description: First day of the quarter. }
  active_share: { type: double, unit: share, title: { zh: 活跃占比, en: Active share }, description: Part of the cohort with an order in the quarter. }
  active_count: { type: bigint, unit: customers, title: { zh: 活跃客户数, en: Active customers }, description: Customers of the cohort with an order in the quarter. }
  customer_count: { type: bigint, unit: customers, title: { zh: 同期客户数, en: Customers of the cohort }, description: Customers whose first order lies in the first quarter. }
  quarters_since_count: { type: bigint, unit: quarters, title: { zh: 距首单季度数, en: Quarters since the first order }, description: "0 in the first quarter." }
checks:
  - not_null: [first_order_quarter, quarter, active_share, active_count, customer_count, quarters_since_count]
  - expr: active_share between 0 and 1 and quarter >= first_order_quarter
  - expr: active_share = 1
    where: quarter = first_order_quarter
    name: everyone_is_active_in_the_first_quarter
  - expr: (SELECT coalesce(sum(customer_count), 0) FROM customer.cohort WHERE quarter = first_order_quarter) = (SELECT count(*) FROM core.customer WHERE first_order_date IS NOT NULL)
    name: every_customer_with_an_order_is_in_one_cohort
--- */
WITH customer_quarter AS (
    SELECT DISTINCT
        customer_id,
        CAST(date_trunc('quarter', order_date) AS DATE) AS quarter
    FROM customer.order_day
),

joined_quarter AS (
    SELECT
        customer_id,
        quarter,
        min(quarter) OVER (PARTITION BY customer_id) AS first_order_quarter
    FROM customer_quarter
),

active_cohort AS (
    SELECT
        first_order_quarter,
        quarter,
        count(*) AS active_count
    FROM joined_quarter
    GROUP BY first_order_quarter, quarter
),

cohort AS (
    SELECT
        first_order_quarter,
        active_count AS customer_count
    FROM active_cohort
    WHERE quarter = first_order_quarter
),

listed_quarter AS (
    SELECT DISTINCT
        cohort.first_order_quarter,
        month.quarter,
        cohort.customer_count
    FROM cohort
    JOIN core.month AS month -- allow join-without-equality: a handful of quarters on both sides
        ON month.quarter >= cohort.first_order_quarter
)

SELECT
    listed.first_order_quarter,
    listed.quarter,
    CAST(coalesce(active.active_count, 0) AS DOUBLE) / nullif(listed.customer_count, 0) AS active_share,
    coalesce(active.active_count, 0) AS active_count,
    listed.customer_count,
    CAST(
        (date_part('year', listed.quarter) - date_part('year', listed.first_order_quarter)) * 4
            + date_part('quarter', listed.quarter) - date_part('quarter', listed.first_order_quarter) AS BIGINT
    ) AS quarters_since_count
FROM listed_quarter AS listed
LEFT JOIN active_cohort AS active
    ON active.first_order_quarter = listed.first_order_quarter AND active.quarter = listed.quarter
