/* ---
description: >
  Units, share and prices of each brand in each region and product type over the trailing 12 months by registrations,
  and the 12 months before: what the other tables about competitors are made of. A brand has a row where it had a
  registration in those 24 months. What concerns the months before is NULL where one of them has no registration at
  all. Prices are those of the units that carry one; market_value values the same units at the market's price of their
  month and product type, so brand_value / market_value is the price index.
owner: market-research
key: [region, product_type, brand]
columns:
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  brand: { type: string, title: { zh: 品牌, en: Brand }, description: Member of core.brand. }
  role: { type: string, title: { zh: 角色, en: Role }, description: "own, competitor, benchmark or unknown." }
  is_own: { type: boolean, title: { zh: 是否自有, en: Is own }, description: The brand's role is own. }
  t12m_units: { type: bigint, unit: units, title: { zh: 滚动12月销量, en: T12m units }, description: Units of the trailing 12 months. }
  t12m_market_units: { type: bigint, unit: units, title: { zh: 滚动12月容量, en: T12m market units }, description: Units of all brands. }
  t12m_share: { type: double, unit: share, title: { zh: 滚动12月份额, en: T12m share }, description: Units of market units. }
  prior_t12m_units: { type: bigint, unit: units, title: { zh: 前12月销量, en: Prior t12m units }, description: Units of the 12 months before. }
  prior_t12m_market_units: { type: bigint, unit: units, title: { zh: 前12月容量, en: Prior t12m market units }, description: Units of all brands in the 12 months before. }
  average_price: { type: double, unit: reporting currency, title: { zh: 均价, en: Average price }, description: Units-weighted average price. }
  priced_units: { type: bigint, unit: units, title: { zh: 有价台数, en: Priced units }, description: Units that carry a price. }
  brand_value: { type: double, unit: reporting currency, title: { zh: 品牌金额, en: Brand value }, description: Priced units at their own price. }
  market_value: { type: double, unit: reporting currency, title: { zh: 市价金额, en: Market value }, description: The same units at the market's price. }
checks:
  - not_null: [region, product_type, brand, role, is_own, t12m_units, t12m_market_units, priced_units]
  - expr: t12m_units between 0 and t12m_market_units
  - expr: t12m_share between 0 and 1
  - expr: priced_units between 0 and t12m_units
  - relationships: { column: brand, to: core.brand, field: brand }
  - expr: (select sum(t12m_units) from competitor.trailing_brand) = (select sum(share.t12m_units) from competitor.share as share join core.latest_period as latest on latest.registration_month = share.month)
    name: agrees_with_the_share_of_the_latest_month
--- */
WITH trailing_month AS (
    SELECT
        month.month,
        month.month >= latest_period.registration_t12m_from AS is_t12m,
        month.is_registration_complete
    FROM core.month AS month
    CROSS JOIN core.latest_period AS latest_period -- allow join-without-equality: one row
    WHERE month.month <= latest_period.registration_month
        AND month.month >= latest_period.registration_t12m_from - INTERVAL '12 months'
),

coverage AS (
    SELECT count(CASE WHEN is_registration_complete THEN month END) = 12 AS has_prior
    FROM trailing_month
    WHERE NOT is_t12m
),

brand_sum AS (
    -- sums that no order of adding changes
    SELECT
        line.region,
        line.product_type,
        line.brand,
        sum(CASE WHEN month.is_t12m THEN line.units ELSE 0 END) AS t12m_units,
        sum(CASE WHEN month.is_t12m THEN 0 ELSE line.units END) AS prior_units,
        sum(CASE WHEN month.is_t12m AND line.average_price IS NOT NULL THEN line.units ELSE 0 END) AS priced_units,
        exact_sum(CASE WHEN month.is_t12m THEN line.average_price * line.units END) AS brand_value,
        exact_sum(CASE WHEN month.is_t12m AND line.average_price IS NOT NULL THEN line.market_price * line.units END) AS market_value
    FROM core.registration AS line
    JOIN trailing_month AS month ON month.month = line.month
    GROUP BY line.region, line.product_type, line.brand
),

market_sum AS (
    SELECT
        *,
        sum(t12m_units) OVER (PARTITION BY region, product_type) AS market_units,
        sum(prior_units) OVER (PARTITION BY region, product_type) AS prior_market_units
    FROM brand_sum
)

SELECT
    this.region,
    this.product_type,
    this.brand,
    coalesce(brand.role, 'unknown') AS role,
    coalesce(brand.is_own, false) AS is_own,
    CAST(this.t12m_units AS BIGINT) AS t12m_units,
    CAST(this.market_units AS BIGINT) AS t12m_market_units,
    CAST(this.t12m_units AS DOUBLE) / nullif(this.market_units, 0) AS t12m_share,
    CAST(CASE WHEN coverage.has_prior THEN this.prior_units END AS BIGINT) AS prior_t12m_units,
    CAST(CASE WHEN coverage.has_prior THEN this.prior_market_units END AS BIGINT) AS prior_t12m_market_units,
    this.brand_value / nullif(this.priced_units, 0) AS average_price,
    CAST(this.priced_units AS BIGINT) AS priced_units,
    this.brand_value,
    this.market_value
FROM market_sum AS this
CROSS JOIN coverage
LEFT JOIN core.brand AS brand ON brand.brand = this.brand
