/* ---
description: >
  What dealers report of competitors, one row per report. The month is that of the report. Place: the province of the
  report, else that of its dealer. The own price is the units-weighted average of own registrations of the product
  type in the month of the observation, in all regions; it is NULL where that month has none, or where nobody wrote
  down when the price was seen. A report is open until a counter-measure was taken: as of run_date it has no
  countered_date. A brand, dealer or province that no reference names is the member `unknown`.
owner: market-research
key: [report_no]
partition_by: [month]
columns:
  report_no: { type: string, title: { zh: 情报编号, en: Report }, description: Number of the report. }
  month: { type: date, title: { zh: 上报月份, en: Month }, description: First day of the month of the report. }
  observed_date: { type: date, title: { zh: 观察日期, en: Observed on }, description: Day of the observation. }
  reported_date: { type: date, title: { zh: 上报日期, en: Reported on }, description: Day of the report. }
  delay_days: { type: bigint, unit: days, title: { zh: 上报延迟, en: Delay }, description: Days from the observation to the report. }
  dealer: { type: string, title: { zh: 经销商, en: Dealer }, description: Member of core.dealer. }
  dealer_code: { type: string, title: { zh: 经销商编码, en: Dealer code }, description: Code as delivered. }
  brand: { type: string, title: { zh: 品牌, en: Brand }, description: Member of core.brand. }
  source_brand: { type: string, title: { zh: 原品牌, en: Brand as delivered }, description: Brand as delivered. }
  kind: { type: string, title: { zh: 情报类别, en: Kind }, description: "price, promotion, new_product or demand." }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: "Product type, `unknown` where not given." }
  province: { type: string, title: { zh: 省份, en: Province }, description: Member of core.region. }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  country: { type: string, title: { zh: 国家, en: Country }, description: Country. }
  observed_price: { type: double, unit: reporting currency, title: { zh: 观察价格, en: Observed price }, description: Price that the dealer saw. }
  own_price: { type: double, unit: reporting currency, title: { zh: 自有均价, en: Own price }, description: Own average price of the product type in the month of the observation. }
  counter_measure: { type: string, title: { zh: 应对措施, en: Counter-measure }, description: What was done. }
  countered_date: { type: date, title: { zh: 应对日期, en: Countered on }, description: Day of the counter-measure. }
  is_open: { type: boolean, title: { zh: 是否未应对, en: Is open }, description: No counter-measure as of run_date. }
checks:
  - not_null: [report_no, month, reported_date, dealer, brand, kind, product_type, province, region, country, is_open]
  - accepted_values: { column: kind, values: [price, promotion, new_product, demand] }
  - relationships: { column: brand, to: core.brand, field: brand }
  - relationships: { column: dealer, to: core.dealer, field: dealer_code }
  - relationships: { column: province, to: core.region, field: province }
  - expr: month = date_trunc('month', reported_date)
  - expr: delay_days >= 0
  - range: { column: observed_price, above: 0 }
    severity: warn
  - expr: countered_date >= reported_date
    severity: warn
    name: countered_after_the_report
  - expr: brand <> 'unknown' and dealer <> 'unknown'
    severity: warn
    name: codes_in_the_reference
--- */
WITH own_price AS (
    -- a sum that no order of adding changes, the division last
    SELECT
        month,
        product_type,
        exact_sum(average_price * units) / nullif(CAST(sum(units) AS DOUBLE), 0) AS own_price
    FROM core.registration
    WHERE is_own AND average_price IS NOT NULL
    GROUP BY month, product_type
)

SELECT
    report.report_no,
    CAST(date_trunc('month', report.reported_on) AS DATE) AS month,
    report.observed_on AS observed_date,
    report.reported_on AS reported_date,
    report.reported_on - report.observed_on AS delay_days,
    coalesce(dealer.dealer_code, 'unknown') AS dealer,
    report.dealer_code,
    coalesce(brand.brand, 'unknown') AS brand,
    report.brand AS source_brand,
    report.kind,
    coalesce(report.product_type, 'unknown') AS product_type,
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    coalesce(region.country, 'unknown') AS country,
    CAST(report.observed_price AS DOUBLE) AS observed_price,
    own_price.own_price,
    report.counter_measure,
    report.countered_on AS countered_date,
    report.countered_on IS NULL AS is_open
FROM staged.market_intelligence AS report
LEFT JOIN core.dealer AS dealer ON dealer.dealer_code = report.dealer_code
LEFT JOIN core.brand AS brand ON brand.brand = report.brand
-- domain.md, section 1, "Place": the province of the line, else of the dealer
LEFT JOIN core.region AS region ON region.province = coalesce(report.province, nullif(dealer.province, 'unknown'))
LEFT JOIN own_price
    ON own_price.month = CAST(date_trunc('month', report.observed_on) AS DATE)
    AND own_price.product_type = report.product_type
