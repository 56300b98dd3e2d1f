/* ---
description: >
  Units, share and rank of every brand by month, region and product type. A brand has a row in each month, up to
  run_date's, whose trailing 24 months (the month and the 23 before it) hold a unit of it there; a month without
  registrations has 0 units and no share. A month that is not complete (still running, or without any registration)
  has no change against the year before and its trailing 12 months end with the latest complete month. A brand
  without units a year before changes from a share of 0, where that month had a market. Rows of an unknown brand,
  region or product type are not ranked, and brands are ranked as if the unknown one were not there.
owner: market-research
key: [month, region, product_type, brand]
partition_by: [month]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the month. }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  brand: { type: string, title: { zh: 品牌, en: Brand }, description: Member of core.brand. }
  units: { type: bigint, unit: units, title: { zh: 销量, en: Units }, description: Registered units of the brand. }
  market_units: { type: bigint, unit: units, title: { zh: 市场容量, en: Market units }, description: Registered units of all brands. }
  unit_share: { type: double, unit: share, title: { zh: 市场占有率, en: Unit share }, description: Units of market units. }
  share_rank: { type: bigint, title: { zh: 份额排名, en: Share rank }, description: "Rank by share in the month, region and product type." }
  share_change_yoy: { type: double, unit: share points, title: { zh: 份额同比变化, en: Share change on the year }, description: Share less that of the same month a year before. }
  t12m_units: { type: bigint, unit: units, title: { zh: 滚动12月销量, en: T12m units }, description: Units of the trailing 12 months. }
  t12m_share: { type: double, unit: share, title: { zh: 滚动12月份额, en: T12m share }, description: "Share of the market's trailing 12 months." }
checks:
  - not_null: [month, region, product_type, brand, units, market_units]
  - unique: [month, region, product_type, brand]
  - expr: units between 0 and market_units
  - expr: unit_share between 0 and 1 and t12m_share between 0 and 1
  - expr: (unit_share is null) = (market_units = 0)
  - expr: t12m_units >= units
    where: share_change_yoy is not null
    name: t12m_holds_its_month
  - expr: share_rank is null
    where: brand = 'unknown' or region = 'unknown' or product_type = 'unknown'
    name: unknown_is_not_ranked
  - relationships: { column: brand, to: core.brand, field: brand }
--- */
WITH brand_month AS (
    SELECT month, region, product_type, brand, sum(units) AS units
    FROM core.registration
    GROUP BY month, region, product_type, brand
),

market_month AS (
    SELECT month, region, product_type, sum(units) AS units
    FROM brand_month
    GROUP BY month, region, product_type
),

brand_span AS (
    -- from the first month with a unit until 24 months have passed without one
    SELECT
        region,
        product_type,
        brand,
        min(month) AS first_month,
        CAST(max(month) + INTERVAL '23 months' AS DATE) AS last_month
    FROM brand_month
    WHERE units <> 0
    GROUP BY region, product_type, brand
),

listed_month AS (
    SELECT
        region,
        product_type,
        brand,
        unnest(generate_series(first_month, last_month, INTERVAL '1 month')) AS month
    FROM brand_span
),

brand_row AS (
    -- core.month ends with run_date's month
    SELECT
        listed.month,
        listed.region,
        listed.product_type,
        listed.brand,
        month.is_registration_complete AS is_complete,
        month.registration_t12m_month AS t12m_month,
        coalesce(brand_month.units, 0) AS units
    FROM listed_month AS listed
    JOIN core.month AS month ON month.month = listed.month
    LEFT JOIN brand_month
        ON brand_month.month = listed.month
        AND brand_month.region = listed.region
        AND brand_month.product_type = listed.product_type
        AND brand_month.brand = listed.brand
),

trailing_row AS (
    SELECT
        *,
        sum(units) OVER (
            PARTITION BY region, product_type, brand
            ORDER BY month RANGE BETWEEN INTERVAL '11 months' PRECEDING AND CURRENT ROW
        ) AS units_of_12_months,
        max(CASE WHEN units <> 0 THEN month END) OVER (PARTITION BY region, product_type, brand ORDER BY month)
            AS last_month_with_units
    FROM brand_row
),

trailing_market AS (
    SELECT month, region, product_type, sum(units_of_12_months) AS units_of_12_months
    FROM trailing_row
    GROUP BY month, region, product_type
),

shared_row AS (
    SELECT
        this.month,
        this.region,
        this.product_type,
        this.brand,
        this.units,
        coalesce(market.units, 0) AS market_units,
        CAST(this.units AS DOUBLE) / nullif(market.units, 0) AS unit_share,
        -- only complete months enter a comparison; the share of a brand that was not there is 0
        CASE WHEN this.is_complete
            THEN CAST(coalesce(prior_brand.units, 0) AS DOUBLE) / nullif(prior_market.units, 0)
        END AS prior_unit_share,
        CASE WHEN this.t12m_month IS NOT NULL THEN coalesce(t12m_brand.units_of_12_months, 0) END AS t12m_units,
        t12m_market.units_of_12_months AS t12m_market_units,
        this.brand <> 'unknown' AND this.region <> 'unknown' AND this.product_type <> 'unknown' AS is_known
    FROM trailing_row AS this
    LEFT JOIN market_month AS market
        ON market.month = this.month
        AND market.region = this.region
        AND market.product_type = this.product_type
    LEFT JOIN brand_month AS prior_brand
        ON prior_brand.month = CAST(this.month - INTERVAL '1 year' AS DATE)
        AND prior_brand.region = this.region
        AND prior_brand.product_type = this.product_type
        AND prior_brand.brand = this.brand
    LEFT JOIN market_month AS prior_market
        ON prior_market.month = CAST(this.month - INTERVAL '1 year' AS DATE)
        AND prior_market.region = this.region
        AND prior_market.product_type = this.product_type
    LEFT JOIN trailing_row AS t12m_brand
        ON t12m_brand.month = this.t12m_month
        AND t12m_brand.region = this.region
        AND t12m_brand.product_type = this.product_type
        AND t12m_brand.brand = this.brand
    LEFT JOIN trailing_market AS t12m_market
        ON t12m_market.month = this.t12m_month
        AND t12m_market.region = this.region
        AND t12m_market.product_type = this.product_type
    -- domain.md, section 1: a row in each month with units in the trailing 24 months
    WHERE this.month < this.last_month_with_units + INTERVAL '24 months'
)

SELECT
    month,
    region,
    product_type,
    brand,
    units,
    market_units,
    unit_share,
    -- shares of one market are in the order of its units
    CASE WHEN is_known
        THEN CAST(rank() OVER (PARTITION BY month, region, product_type, is_known ORDER BY units DESC) AS BIGINT)
    END AS share_rank,
    unit_share - prior_unit_share AS share_change_yoy,
    t12m_units,
    CAST(t12m_units AS DOUBLE) / nullif(t12m_market_units, 0) AS t12m_share
FROM shared_row
