/* ---
description: >
  How far our share of each region and product type is from the share that we want, as of the trailing 12 months by
  registrations. The target is the mean of the segments' target shares in force on run_date, weighted by the market
  units of the 12 months; segments without a target have no weight. A gap is target less own: what is to be won, and
  negative where we are above the target. gap_units is the gap at the market units, rounded to whole units; gap_amount
  is gap_units at our own average net machine price: revenue over units of the machine lines that are no returns, in the
  same months, in the region and product type, else in the home market. Rows are regions and product types with a registration in those 12 months; unknown members have no target.
owner: market-research
key: [region, product_type]
columns:
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  own_share: { type: double, unit: share, title: { zh: 市场占有率, en: Own share }, description: Own units of market units. }
  target_share: { type: double, unit: share, title: { zh: 目标份额, en: Target share }, description: Share that we want. }
  gap_share: { type: double, unit: share points, title: { zh: 份额缺口, en: Share gap }, description: Target less own. }
  gap_units: { type: bigint, unit: units, title: { zh: 台数缺口, en: Unit gap }, description: Gap at the market units. }
  gap_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 金额缺口, en: Amount gap }, description: Unit gap at the own price. }
  market_units: { type: bigint, unit: units, title: { zh: 市场容量, en: Market units }, description: Units of all brands. }
  own_units: { type: bigint, unit: units, title: { zh: 自有销量, en: Own units }, description: Own units. }
  own_price: { type: double, unit: reporting currency, title: { zh: 自有净均价, en: Own net price }, description: Average net price of a machine sold. }
  is_national_price: { type: boolean, title: { zh: 是否全国均价, en: Is national price }, description: "The price is the home market's; NULL without a price." }
checks:
  - not_null: [region, product_type, market_units, own_units]
  - expr: own_share between 0 and 1 and target_share between 0 and 1
  - expr: abs(gap_share * market_units - gap_units) <= 0.500000001
  - expr: (gap_amount >= 0) = (gap_units >= 0)
  - expr: (own_price is null) = (is_national_price is null)
  - expr: (select sum(own_units) from segment.penetration) = (select sum(t12m_units) from competitor.trailing_brand where is_own)
    name: no_own_unit_is_lost
--- */
WITH trailing_month AS (
    SELECT unnest(generate_series(registration_t12m_from, registration_month, INTERVAL '1 month')) AS month
    FROM core.latest_period
),

trailing_segment AS (
    SELECT
        line.region,
        line.product_type,
        line.industry,
        sum(line.units) AS market_units,
        sum(CASE WHEN line.is_own THEN line.units ELSE 0 END) AS own_units
    FROM core.registration AS line
    JOIN trailing_month ON trailing_month.month = line.month
    GROUP BY line.region, line.product_type, line.industry
),

trailing_market AS (
    SELECT
        segment.region,
        segment.product_type,
        sum(segment.market_units) AS market_units,
        sum(segment.own_units) AS own_units,
        exact_sum(policy.target_share * segment.market_units) AS target_units,
        sum(CASE WHEN policy.target_share IS NOT NULL THEN segment.market_units END) AS targeted_units
    FROM trailing_segment AS segment
    LEFT JOIN core.segment_policy AS policy
        ON policy.region = segment.region
        AND policy.product_type = segment.product_type
        AND policy.industry = segment.industry
        AND in_force(policy.valid_from, policy.valid_to, $run_date)
    GROUP BY segment.region, segment.product_type
),

home_country AS (
    SELECT DISTINCT country FROM core.region WHERE is_domestic
),

sold_machine AS (
    SELECT
        line.region,
        line.product_type,
        home_country.country IS NOT NULL AS is_domestic,
        sum(line.revenue) AS revenue,
        sum(line.units) AS units
    FROM core.sales AS line
    JOIN trailing_month ON trailing_month.month = line.order_month
    LEFT JOIN home_country ON home_country.country = line.country
    WHERE line.line_kind = 'machine' AND line.revenue IS NOT NULL
    GROUP BY line.region, line.product_type, home_country.country IS NOT NULL
),

region_sale AS (
    SELECT region, product_type, sum(revenue) AS revenue, sum(units) AS units
    FROM sold_machine
    GROUP BY region, product_type
),

home_sale AS (
    SELECT product_type, sum(revenue) AS revenue, sum(units) AS units
    FROM sold_machine
    WHERE is_domestic
    GROUP BY product_type
),

priced_market AS (
    -- units and revenue from one place: the region, else the home market
    SELECT
        market.*,
        CASE
            WHEN region_sale.units > 0 THEN false
            WHEN home_sale.units > 0 THEN true
        END AS is_national_price,
        CASE WHEN region_sale.units > 0 THEN region_sale.revenue ELSE home_sale.revenue END AS revenue,
        CASE WHEN region_sale.units > 0 THEN region_sale.units ELSE nullif(home_sale.units, 0) END AS units
    FROM trailing_market AS market
    LEFT JOIN region_sale
        ON region_sale.region = market.region
        AND region_sale.product_type = market.product_type
    LEFT JOIN home_sale ON home_sale.product_type = market.product_type
),

compared_market AS (
    SELECT
        *,
        CAST(own_units AS DOUBLE) / nullif(market_units, 0) AS own_share,
        target_units / nullif(targeted_units, 0) AS target_share
    FROM priced_market
),

gap AS (
    SELECT
        *,
        target_share - own_share AS gap_share,
        -- a half that came out as 0.4999999999999999 is a half
        round(round((target_share - own_share) * market_units, 12)) AS gap_units
    FROM compared_market
)

SELECT
    region,
    product_type,
    own_share,
    target_share,
    gap_share,
    CAST(gap_units AS BIGINT) AS gap_units,
    -- in decimals, division last: a half cent is a half cent
    CAST(
        round(CAST(revenue AS DECIMAL(22, 2)) * CAST(gap_units AS DECIMAL(12, 0)) / CAST(units AS DECIMAL(12, 0)), 2)
            AS DECIMAL(18, 2)
    ) AS gap_amount,
    CAST(market_units AS BIGINT) AS market_units,
    CAST(own_units AS BIGINT) AS own_units,
    CAST(revenue AS DOUBLE) / units AS own_price,
    is_national_price
FROM gap
