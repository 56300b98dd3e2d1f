/* ---
description: >
  Revenue and machines of each channel and region by month of the order, and where they are heading: revenue of six
  complete months against that of the six before. The six end with the row's month, or with the latest complete month
  (ended, and with an order line) before it; all twelve must be complete, and the six before must have had revenue.
  Revenue and units are sums, returns included. The trend is rising from the policy's growth on, falling from the same
  with a minus on, else flat. A channel and region has a row in each month, up to run_date's, within 24 months of one
  with a line, so that what stops selling is seen to fall.
owner: dealer-development
key: [month, channel, region]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the month of the order. }
  channel: { type: string, title: { zh: 渠道, en: Channel }, description: "direct, dealer, online, tender or unknown." }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 收入, en: Revenue }, description: Net revenue of the month. }
  units: { type: bigint, unit: units, title: { zh: 整机台数, en: Machine units }, description: "Machines sold, less those returned." }
  revenue_growth: { type: double, unit: ratio, title: { zh: 半年收入增长率, en: Revenue growth }, description: Six complete months against the six before. }
  trend: { type: string, title: { zh: 趋势, en: Trend }, description: "rising, flat or falling; NULL without a growth." }
checks:
  - not_null: [month, channel, region, revenue, units]
  - accepted_values: { column: trend, values: [rising, flat, falling] }
  - expr: (trend is null) = (revenue_growth is null)
  - expr: (SELECT coalesce(sum(revenue), 0) FROM dealer.channel_trend) = (SELECT coalesce(sum(revenue), 0) FROM core.sales)
    name: no_revenue_is_lost
  - expr: (SELECT coalesce(sum(units), 0) FROM dealer.channel_trend) = (SELECT coalesce(sum(units), 0) FROM core.sales)
    name: no_machine_is_lost
--- */
WITH channel_month AS (
    SELECT
        order_month AS month,
        coalesce(channel, 'unknown') AS channel,
        region,
        CAST(coalesce(sum(revenue), 0) AS DECIMAL(18, 2)) AS revenue,
        sum(units) AS units
    FROM core.sales
    GROUP BY order_month, coalesce(channel, 'unknown'), region
),

row_span AS (
    -- domain.md, section 1: a row for each month, up to run_date's, within 24 months of one with a line of the same key;
    -- each month with lines brings the empty months before the next one. core.month ends with run_date's
    SELECT
        channel_month.*,
        least(
            CAST(channel_month.month + INTERVAL '23 months' AS DATE),
            last.month,
            CAST(lead(channel_month.month) OVER (PARTITION BY channel_month.channel, channel_month.region ORDER BY channel_month.month) - INTERVAL '1 month' AS DATE)
        ) AS last_month
    FROM channel_month
    CROSS JOIN (SELECT max(month) AS month FROM core.month) AS last
),

listed_row AS (
    SELECT
        row_span.*,
        unnest(generate_series(month, last_month, INTERVAL '1 month')) AS listed_month
    FROM row_span
),

judged_month AS (
    -- which months are complete, and how many of the twelve up to each one
    SELECT
        month,
        is_order_complete,
        order_t12m_month,
        count(CASE WHEN is_order_complete THEN month END)
            OVER (ORDER BY month RANGE BETWEEN INTERVAL '11 months' PRECEDING AND CURRENT ROW) AS complete_months
    FROM core.month
),

month_limit AS (
    -- the policy in force on the last day of the month
    SELECT month.month, policy.value AS rising_from
    FROM core.month AS month
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over one policy
        ON in_force(policy.valid_from, policy.valid_to, month.last_date)
    WHERE policy.key = 'dealer.channel_trend.rising_from'
),

filled_row AS (
    SELECT
        listed.listed_month AS month,
        listed.channel,
        listed.region,
        CASE WHEN listed.listed_month = listed.month THEN listed.revenue ELSE 0 END AS revenue,
        CASE WHEN listed.listed_month = listed.month THEN listed.units ELSE 0 END AS units,
        judged_month.is_order_complete,
        judged_month.order_t12m_month,
        judged_month.complete_months,
        month_limit.rising_from
    FROM listed_row AS listed
    LEFT JOIN judged_month ON judged_month.month = listed.listed_month
    LEFT JOIN month_limit ON month_limit.month = listed.listed_month
),

halved_row AS (
    SELECT
        *,
        sum(revenue) OVER (
            PARTITION BY channel, region
            ORDER BY month RANGE BETWEEN INTERVAL '5 months' PRECEDING AND CURRENT ROW
        ) AS half_revenue,
        sum(revenue) OVER (
            PARTITION BY channel, region
            ORDER BY month RANGE BETWEEN INTERVAL '11 months' PRECEDING AND INTERVAL '6 months' PRECEDING
        ) AS prior_half_revenue
    FROM filled_row
),

complete_row AS (
    -- a month that is not complete looks at the halves of the latest complete one
    SELECT
        *,
        max(CASE WHEN is_order_complete THEN month END) OVER so_far AS last_complete_month,
        last_value(CASE WHEN is_order_complete THEN complete_months END) IGNORE NULLS OVER so_far AS compared_months,
        last_value(CASE WHEN is_order_complete THEN half_revenue END) IGNORE NULLS OVER so_far AS compared_revenue,
        last_value(CASE WHEN is_order_complete THEN coalesce(prior_half_revenue, 0) END) IGNORE NULLS OVER so_far AS prior_revenue
    FROM halved_row
    WINDOW so_far AS (PARTITION BY channel, region ORDER BY month)
),

grown_row AS (
    -- without a row in the latest complete month there was no revenue in any of the twelve
    SELECT
        *,
        CASE WHEN last_complete_month = order_t12m_month AND compared_months = 12
            THEN CAST(compared_revenue AS DOUBLE) / nullif(CAST(prior_revenue AS DOUBLE), 0) - 1
        END AS growth
    FROM complete_row
)

SELECT
    month,
    channel,
    region,
    CAST(revenue AS DECIMAL(18, 2)) AS revenue,
    CAST(units AS BIGINT) AS units,
    growth AS revenue_growth,
    CASE
        WHEN round(growth, 12) >= rising_from THEN 'rising'
        WHEN round(growth, 12) <= -rising_from THEN 'falling'
        WHEN growth IS NOT NULL THEN 'flat'
    END AS trend
FROM grown_row
