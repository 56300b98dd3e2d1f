/* ---
description: >
  Complaints of the trailing 12 months for each 100 machines of the series sold in them, by month and series. The 12
  months end with the latest complete month (ended, and with an order line) up to the row's month. Complaints are all
  those received about a product of the series, whatever their kind; units are machines of lines that are no returns.
  The change is the rate less the one of the month before, where both months are complete. A series has a row in each
  month, up to run_date's, within 24 months of one with a complaint or a machine line; parts and services have no
  machines, so their rate is NULL.
owner: quality
key: [month, series]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the month. }
  series: { type: string, title: { zh: 系列, en: Series }, description: "Product series, `unknown` where the product is not known." }
  complaints_per_100_units_rate: { type: double, unit: complaints per 100 units, title: { zh: 百台投诉率, en: Complaints per 100 units }, description: Of the trailing 12 months. }
  rate_change_mom: { type: double, unit: complaints per 100 units, title: { zh: 环比变化, en: Change on the month }, description: Rate less that of the month before. }
  t12m_complaint_count: { type: bigint, unit: complaints, title: { zh: 滚动12月投诉数, en: T12m complaints }, description: Complaints received. }
  t12m_units: { type: bigint, unit: units, title: { zh: 滚动12月销量, en: T12m units }, description: "Machines sold, without returns." }
  t12m_month: { type: date, title: { zh: 滚动期末月, en: T12m end }, description: Last of the 12 months. }
checks:
  - not_null: [month, series]
  - expr: t12m_complaint_count >= 0 and t12m_units >= 0
  - expr: (complaints_per_100_units_rate is null) = (coalesce(t12m_units, 0) = 0)
  - expr: complaints_per_100_units_rate >= 0
  - expr: t12m_month <= month
  - expr: (t12m_units is null) = (t12m_month is null) and (t12m_complaint_count is null) = (t12m_month is null)
    name: figures_wherever_there_is_a_complete_month
--- */
WITH event_month AS (
    SELECT month, series, CAST(count(*) AS BIGINT) AS complaint_count, CAST(0 AS BIGINT) AS units
    FROM core.complaint
    GROUP BY month, series
    UNION ALL
    SELECT order_month, series, CAST(0 AS BIGINT), sum(units)
    FROM core.sales
    WHERE NOT is_return AND units <> 0
    GROUP BY order_month, series
),

series_month AS (
    SELECT month, series, sum(complaint_count) AS complaint_count, sum(units) AS units
    FROM event_month
    GROUP BY month, series
),

row_span AS (
    -- domain.md, section 1: a row for each month, up to run_date's, within 24 months of one with an event of the same
    -- series; each month with events brings the empty months before the next one
    SELECT
        *,
        least(
            CAST(month + INTERVAL '23 months' AS DATE),
            CAST(date_trunc('month', $run_date) AS DATE),
            CAST(lead(month) OVER (PARTITION BY series ORDER BY month) - INTERVAL '1 month' AS DATE)
        ) AS last_month
    FROM series_month
),

listed_row AS (
    SELECT
        row_span.*,
        unnest(generate_series(month, last_month, INTERVAL '1 month')) AS listed_month
    FROM row_span
),

trailing_row AS (
    SELECT
        listed.listed_month AS month,
        listed.series,
        month.is_order_complete AS is_complete,
        month.order_t12m_month AS t12m_month,
        sum(CASE WHEN listed.listed_month = listed.month THEN listed.complaint_count ELSE 0 END) OVER trailing_year AS complaint_count,
        sum(CASE WHEN listed.listed_month = listed.month THEN listed.units ELSE 0 END) OVER trailing_year AS units
    FROM listed_row AS listed
    LEFT JOIN core.month AS month ON month.month = listed.listed_month
    WINDOW trailing_year AS (
        PARTITION BY listed.series
        ORDER BY listed.listed_month RANGE BETWEEN INTERVAL '11 months' PRECEDING AND CURRENT ROW
    )
),

complete_row AS (
    -- a month that is not complete takes the 12 months of the latest complete one
    SELECT
        month,
        series,
        is_complete,
        t12m_month,
        max(CASE WHEN is_complete THEN month END) OVER so_far AS complete_month,
        last_value(CASE WHEN is_complete THEN complaint_count END) IGNORE NULLS OVER so_far AS complaint_count,
        last_value(CASE WHEN is_complete THEN units END) IGNORE NULLS OVER so_far AS units
    FROM trailing_row
    WINDOW so_far AS (PARTITION BY series ORDER BY month)
),

rated_row AS (
    -- without a row in its last month, the 12 months hold nothing of the series
    SELECT
        month,
        series,
        is_complete,
        t12m_month,
        CASE WHEN t12m_month = complete_month THEN complaint_count WHEN t12m_month IS NOT NULL THEN 0 END AS complaint_count,
        CASE WHEN t12m_month = complete_month THEN units WHEN t12m_month IS NOT NULL THEN 0 END AS units
    FROM complete_row
),

changed_row AS (
    SELECT
        *,
        CAST(100 * complaint_count AS DOUBLE) / nullif(units, 0) AS rate,
        lag(CASE WHEN is_complete THEN CAST(100 * complaint_count AS DOUBLE) / nullif(units, 0) END) OVER in_order AS prior_rate,
        lag(month) OVER in_order AS prior_month
    FROM rated_row
    WINDOW in_order AS (PARTITION BY series ORDER BY month)
)

SELECT
    month,
    series,
    rate AS complaints_per_100_units_rate,
    CASE WHEN is_complete AND prior_month = CAST(month - INTERVAL '1 month' AS DATE) THEN rate - prior_rate END AS rate_change_mom,
    CAST(complaint_count AS BIGINT) AS t12m_complaint_count,
    CAST(units AS BIGINT) AS t12m_units,
    t12m_month
FROM changed_row
