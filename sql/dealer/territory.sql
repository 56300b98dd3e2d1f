/* ---
description: >
  Machines that dealers sell outside their authorized regions, by month of the order. Units are machines of lines that
  are no returns. A line lies outside when its region is known and is none of the dealer's; lines of an unknown region
  are in the units and not outside. Of a dealer without authorized regions, and of the dealer `unknown`, nothing can be
  said: units only. Months without a machine line, up to 23 after the dealer's last one, have 0 units and no share.
owner: dealer-development
key: [month, dealer_code]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the month of the order. }
  dealer_code: { type: string, title: { zh: 经销商编码, en: Dealer code }, description: Member of core.dealer. }
  outside_share: { type: double, unit: share, title: { zh: 区域外销售占比, en: Share outside }, description: Units outside authorized regions of all units. }
  outside_units: { type: bigint, unit: units, title: { zh: 区域外销量, en: Units outside }, description: Units outside authorized regions. }
  units: { type: bigint, unit: units, title: { zh: 整机台数, en: Machine units }, description: "Machines sold, without returns." }
checks:
  - not_null: [month, dealer_code, units]
  - relationships: { column: dealer_code, to: core.dealer, field: dealer_code }
  - expr: outside_units between 0 and units
  - expr: outside_share between 0 and 1
  - expr: outside_share is null
    where: units = 0 or outside_units is null
    name: no_share_without_units_or_regions
  - expr: (SELECT coalesce(sum(units), 0) FROM dealer.territory) = (SELECT coalesce(sum(units), 0) FROM core.sales WHERE NOT is_return)
    name: no_machine_is_lost
--- */
WITH authorized_region AS (
    SELECT DISTINCT
        dealer_code,
        btrim(unnest(string_to_array(replace(authorized_regions, '；', ';'), ';'))) AS region
    FROM core.dealer
),

authorized_dealer AS (
    SELECT DISTINCT dealer_code FROM authorized_region WHERE region <> ''
),

region_month AS (
    SELECT order_month, dealer, region, sum(units) AS units
    FROM core.sales
    WHERE NOT is_return AND units <> 0
    GROUP BY order_month, dealer, region
),

dealer_month AS (
    SELECT
        sold.order_month AS month,
        sold.dealer,
        sum(sold.units) AS units,
        sum(
            CASE
                WHEN authorized_dealer.dealer_code IS NULL THEN NULL
                WHEN authorized_region.region IS NULL AND sold.region <> 'unknown' THEN sold.units
                ELSE 0
            END
        ) AS outside_units
    FROM region_month AS sold
    LEFT JOIN authorized_dealer ON authorized_dealer.dealer_code = sold.dealer
    LEFT JOIN authorized_region
        ON authorized_region.dealer_code = sold.dealer
        AND authorized_region.region = sold.region
    GROUP BY sold.order_month, sold.dealer
),

row_span AS (
    -- domain.md, section 1: a row for each month, up to run_date's, within 24 months of one with a machine line of the
    -- same dealer; each month with lines brings the empty months before the next one. core.month ends with run_date's
    SELECT
        dealer_month.*,
        least(
            CAST(dealer_month.month + INTERVAL '23 months' AS DATE),
            last.month,
            CAST(lead(dealer_month.month) OVER (PARTITION BY dealer_month.dealer ORDER BY dealer_month.month) - INTERVAL '1 month' AS DATE)
        ) AS last_month
    FROM dealer_month
    CROSS JOIN (SELECT max(month) AS month FROM core.month) AS last
),

listed_row AS (
    SELECT
        row_span.*,
        unnest(generate_series(month, last_month, INTERVAL '1 month')) AS listed_month
    FROM row_span
)

SELECT
    listed_month AS month,
    dealer AS dealer_code,
    CASE WHEN listed_month = month THEN CAST(outside_units AS DOUBLE) / nullif(units, 0) END AS outside_share,
    CAST(CASE WHEN listed_month = month OR outside_units IS NULL THEN outside_units ELSE 0 END AS BIGINT) AS outside_units,
    CAST(CASE WHEN listed_month = month THEN units ELSE 0 END AS BIGINT) AS units
FROM listed_row
