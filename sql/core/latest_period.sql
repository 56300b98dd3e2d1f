/* ---
description: >
  The latest complete month and year as of run_date (domain.md, section 1, "Periods"), in one row: by registrations,
  for tables about markets, and by order lines, for tables that read no registrations. A year is complete when its
  twelve months are.
owner: data-platform
columns:
  registration_month: { type: date, title: { zh: 最近完整月(行业), en: Latest registration month }, description: Latest complete month by registrations. }
  registration_t12m_from: { type: date, title: { zh: 滚动12月起(行业), en: Registration t12m from }, description: First of the twelve months that end with it. }
  order_month: { type: date, title: { zh: 最近完整月(订单), en: Latest order month }, description: Latest complete month by order lines. }
  order_t12m_from: { type: date, title: { zh: 滚动12月起(订单), en: Order t12m from }, description: First of the twelve months that end with it. }
  registration_year: { type: int, title: { zh: 最近完整年(行业), en: Latest registration year }, description: Latest complete year by registrations. }
  order_year: { type: int, title: { zh: 最近完整年(订单), en: Latest order year }, description: Latest complete year by order lines. }
checks:
  - row_count: { min: 1, max: 1 }
  - expr: (SELECT count(*) FROM (SELECT source FROM ops.file GROUP BY source HAVING sum(row_count) = 0) AS empty_source) = 0
    name: every_source_has_rows_in_its_files
--- */
WITH complete_year AS (
    SELECT
        year,
        count(CASE WHEN is_registration_complete THEN month END) = 12 AS is_registration_complete,
        count(CASE WHEN is_order_complete THEN month END) = 12 AS is_order_complete
    FROM core.month
    GROUP BY year
),

latest_year AS (
    SELECT
        max(CASE WHEN is_registration_complete THEN year END) AS registration_year,
        max(CASE WHEN is_order_complete THEN year END) AS order_year
    FROM complete_year
),

latest_month AS (
    SELECT
        max(registration_t12m_month) AS registration_month,
        max(order_t12m_month) AS order_month
    FROM core.month
)

SELECT
    latest_month.registration_month,
    CAST(latest_month.registration_month - INTERVAL '11 months' AS DATE) AS registration_t12m_from,
    latest_month.order_month,
    CAST(latest_month.order_month - INTERVAL '11 months' AS DATE) AS order_t12m_from,
    latest_year.registration_year,
    latest_year.order_year
FROM latest_month
CROSS JOIN latest_year
