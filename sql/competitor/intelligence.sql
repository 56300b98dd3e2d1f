/* ---
description: >
  What dealers report of competitors by month of the report, brand, kind and region. reporting_dealer_rate is the part
  of the region's active dealers (joined by the end of the month, not left by then; one that left before it joined came
  back) that reported on the brand and kind; reports of other regions' dealers count as reports, not there. The price
  index is the sum of observed prices over the sum of our own average prices of the same product type and month of
  observation, over the reports that have both. A report is open while no counter-measure has been taken as of run_date;
  its days count from the report. Months without a report have rows up to 23 months after one: counts 0, the rest NULL.
owner: market-research
key: [month, brand, kind, region]
columns:
  month: { type: date, title: { zh: 上报月份, en: Month }, description: First day of the month of the reports. }
  brand: { type: string, title: { zh: 品牌, en: Brand }, description: Member of core.brand. }
  kind: { type: string, title: { zh: 情报类别, en: Kind }, description: "price, promotion, new_product or demand." }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region of the report. }
  report_count: { type: bigint, unit: reports, title: { zh: 情报数, en: Reports }, description: Reports of the month. }
  reporting_dealer_rate: { type: double, unit: share, title: { zh: 上报经销商比例, en: Reporting dealers }, description: Active dealers of the region that reported. }
  median_delay_days: { type: double, unit: days, title: { zh: 上报延迟中位数, en: Median delay }, description: Days from the observation to the report. }
  price_index: { type: double, unit: ratio, title: { zh: 价格指数, en: Price index }, description: Observed prices over our own. }
  open_counter_count: { type: bigint, unit: reports, title: { zh: 未应对数, en: Open reports }, description: Reports without a counter-measure. }
  oldest_open_days: { type: bigint, unit: days, title: { zh: 最久未应对天数, en: Oldest open }, description: Days since the oldest open report. }
  reporting_dealer_count: { type: bigint, unit: dealers, title: { zh: 上报经销商数, en: Reporting dealer count }, description: Active dealers of the region that reported. }
  active_dealer_count: { type: bigint, unit: dealers, title: { zh: 在网经销商数, en: Active dealers }, description: Active dealers of the region. }
checks:
  - not_null: [month, brand, kind, region, report_count, open_counter_count, reporting_dealer_count, active_dealer_count]
  - expr: open_counter_count between 0 and report_count
  - expr: reporting_dealer_rate between 0 and 1
  - expr: (oldest_open_days is null) = (open_counter_count = 0)
  - expr: oldest_open_days >= 0 and median_delay_days >= 0
  - expr: reporting_dealer_count <= active_dealer_count and reporting_dealer_count <= report_count
  - range: { column: price_index, above: 0 }
    severity: warn
  - relationships: { column: brand, to: core.brand, field: brand }
  - expr: (select sum(report_count) from competitor.intelligence) = (select count(*) from core.intelligence)
    name: every_report_counts_once
--- */
WITH reported_month AS (
    SELECT
        report.month,
        report.brand,
        report.kind,
        report.region,
        count(*) AS report_count,
        count(DISTINCT CASE
            WHEN dealer.region = report.region
                AND (dealer.joined_date IS NULL OR dealer.joined_date < report.month + INTERVAL '1 month')
                -- one that left before it joined came back
                AND (
                    dealer.left_date IS NULL
                    OR dealer.left_date >= report.month + INTERVAL '1 month'
                    OR dealer.left_date < dealer.joined_date
                )
                THEN dealer.dealer_code
        END) AS reporting_dealer_count,
        exact_quantile(report.delay_days, 0.5) AS median_delay_days,
        exact_sum(CASE WHEN report.own_price IS NOT NULL THEN report.observed_price END) AS observed_sum,
        exact_sum(CASE WHEN report.observed_price IS NOT NULL THEN report.own_price END) AS own_sum,
        count(CASE WHEN report.is_open THEN report.report_no END) AS open_counter_count,
        $run_date - min(CASE WHEN report.is_open THEN report.reported_date END) AS oldest_open_days
    FROM core.intelligence AS report
    LEFT JOIN core.dealer AS dealer ON dealer.dealer_code = report.dealer AND dealer.dealer_code <> 'unknown'
    GROUP BY report.month, report.brand, report.kind, report.region
),

listed_month AS (
    -- domain.md, section 1, "Every brand has a row": each month up to run_date's within 24 months of one with a report
    SELECT DISTINCT
        unnest(generate_series(month, CAST(month + INTERVAL '23 months' AS DATE), INTERVAL '1 month')) AS month,
        brand,
        kind,
        region
    FROM reported_month
),

active_dealer AS (
    SELECT month.month, dealer.region, count(*) AS active_dealer_count
    FROM (SELECT DISTINCT month FROM listed_month) AS month
    JOIN core.dealer AS dealer -- allow join-without-equality: months and dealers are few
        ON (dealer.joined_date IS NULL OR dealer.joined_date < month.month + INTERVAL '1 month')
        AND (
            dealer.left_date IS NULL
            OR dealer.left_date >= month.month + INTERVAL '1 month'
            OR dealer.left_date < dealer.joined_date
        )
    WHERE dealer.dealer_code <> 'unknown'
    GROUP BY month.month, dealer.region
)

SELECT
    listed.month,
    listed.brand,
    listed.kind,
    listed.region,
    coalesce(reported.report_count, 0) AS report_count,
    CAST(reported.reporting_dealer_count AS DOUBLE) / nullif(active.active_dealer_count, 0) AS reporting_dealer_rate,
    reported.median_delay_days,
    reported.observed_sum / nullif(reported.own_sum, 0) AS price_index,
    coalesce(reported.open_counter_count, 0) AS open_counter_count,
    reported.oldest_open_days,
    coalesce(reported.reporting_dealer_count, 0) AS reporting_dealer_count,
    coalesce(active.active_dealer_count, 0) AS active_dealer_count
FROM listed_month AS listed
LEFT JOIN reported_month AS reported
    ON reported.month = listed.month
    AND reported.brand = listed.brand
    AND reported.kind = listed.kind
    AND reported.region = listed.region
LEFT JOIN active_dealer AS active ON active.month = listed.month AND active.region = listed.region
WHERE listed.month <= CAST(date_trunc('month', $run_date) AS DATE)
