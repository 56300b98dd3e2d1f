/* ---
description: >
  Months from the first one with a registration or an order line up to run_date's, and which of them are complete
  (domain.md, section 1, "Periods"). A month is complete when it ends on or before run_date and has a registration,
  or, for tables that read no registrations, an order line. Models ask this table instead of run_date: it changes
  once a month, not every night. Trailing 12 months of a row's month end with the latest complete month up to it.
owner: data-platform
key: [month]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the month. }
  last_date: { type: date, title: { zh: 月末, en: Last day }, description: Last day of the month. }
  quarter: { type: date, title: { zh: 季度, en: Quarter }, description: First day of the quarter. }
  year: { type: int, title: { zh: 年份, en: Year }, description: Year. }
  is_registration_complete: { type: boolean, title: { zh: 行业数据完整, en: Registrations complete }, description: "Ended by run_date, and has a registration." }
  is_order_complete: { type: boolean, title: { zh: 订单数据完整, en: Orders complete }, description: "Ended by run_date, and has an order line." }
  registration_t12m_month: { type: date, title: { zh: 行业滚动12月末月, en: Registration t12m end }, description: Latest month up to this one with complete registrations. }
  order_t12m_month: { type: date, title: { zh: 订单滚动12月末月, en: Order t12m end }, description: Latest month up to this one with complete orders. }
checks:
  - not_null: [month, last_date, quarter, year, is_registration_complete, is_order_complete]
  - unique: [month]
  - expr: registration_t12m_month <= month and order_t12m_month <= month
--- */
WITH registered_month AS (
    SELECT DISTINCT month FROM staged.market_registration
),

ordered_month AS (
    SELECT DISTINCT order_month AS month FROM staged.dealer_sales
),

first_month AS (
    SELECT min(month) AS month
    FROM (SELECT month FROM registered_month UNION ALL SELECT month FROM ordered_month) AS event_month
),

listed_month AS (
    SELECT unnest(generate_series(month, CAST(date_trunc('month', $run_date) AS DATE), INTERVAL '1 month')) AS month
    FROM first_month
),

ended_month AS (
    SELECT
        month,
        CAST(month + INTERVAL '1 month' - INTERVAL '1 day' AS DATE) AS last_date,
        -- it ends on run_date or before it
        month < CAST(date_trunc('month', $run_date + INTERVAL '1 day') AS DATE) AS has_ended
    FROM listed_month
),

judged_month AS (
    SELECT
        ended_month.month,
        ended_month.last_date,
        ended_month.has_ended AND registered_month.month IS NOT NULL AS is_registration_complete,
        ended_month.has_ended AND ordered_month.month IS NOT NULL AS is_order_complete
    FROM ended_month
    LEFT JOIN registered_month ON registered_month.month = ended_month.month
    LEFT JOIN ordered_month ON ordered_month.month = ended_month.month
)

SELECT
    month,
    last_date,
    CAST(date_trunc('quarter', month) AS DATE) AS quarter,
    CAST(date_part('year', month) AS INT) AS year,
    is_registration_complete,
    is_order_complete,
    max(CASE WHEN is_registration_complete THEN month END) OVER (ORDER BY month) AS registration_t12m_month,
    max(CASE WHEN is_order_complete THEN month END) OVER (ORDER BY month) AS order_t12m_month
FROM judged_month
