/* ---
description: >
  One row for each brand with the role competitor or benchmark: who it is, how it stands and what we know of it. Share,
  change and price index are over all regions and product types: the trailing 12 months by registrations, the change
  against the share of the 12 months before (NULL where one of those has no registration), and prices over the market's
  prices of the same months and product types. It leads us in a product type, or in a region, when it has more units
  there than all own brands together, over all regions or all product types; unknown members are left out. Won and lost
  are all opportunities closed up to run_date that name it as the main competitor. The satisfaction gap is ours less
  the brand's. The latest intelligence is the day of the last report, as its midnight in UTC.
owner: market-research
key: [brand]
columns:
  brand: { type: string, title: { zh: 品牌, en: Brand }, description: Code of the brand. }
  competition_level: { type: string, title: { zh: 竞争层次, en: Competition level }, description: "brand, industry, form or budget." }
  strategic_intent: { type: string, title: { zh: 战略意图, en: Strategic intent }, description: What the brand is after. }
  t12m_share: { type: double, unit: share, title: { zh: 滚动12月份额, en: T12m share }, description: Units of market units. }
  share_change_yoy: { type: double, unit: share points, title: { zh: 份额同比变化, en: Share change on the year }, description: Against the 12 months before. }
  price_index: { type: double, unit: ratio, title: { zh: 价格指数, en: Price index }, description: "Brand prices over the market's." }
  leading_product_types: { type: string, title: { zh: 领先我方的产品类型, en: Product types where it leads us }, description: "Names by alphabet, NULL where it leads nowhere." }
  leading_regions: { type: string, title: { zh: 领先我方的大区, en: Regions where it leads us }, description: "Names by alphabet, NULL where it leads nowhere." }
  won_against_count: { type: bigint, unit: opportunities, title: { zh: 胜其次数, en: Won against }, description: Opportunities that we won. }
  lost_to_count: { type: bigint, unit: opportunities, title: { zh: 败于其次数, en: Lost to }, description: Opportunities that we lost. }
  satisfaction_gap: { type: double, unit: points, title: { zh: 满意度差距, en: Satisfaction gap }, description: "Our satisfaction less the brand's." }
  latest_intelligence_at: { type: timestamp, title: { zh: 最近情报时间, en: Latest intelligence }, description: Day of the last report. }
  t12m_units: { type: bigint, unit: units, title: { zh: 滚动12月销量, en: T12m units }, description: Units of the trailing 12 months. }
  leading_product_type_count: { type: bigint, title: { zh: 领先产品类型数, en: Product types led }, description: Number of product types. }
  leading_region_count: { type: bigint, title: { zh: 领先大区数, en: Regions led }, description: Number of regions. }
checks:
  - not_null: [brand, won_against_count, lost_to_count, t12m_units, leading_product_type_count, leading_region_count]
  - expr: t12m_share between 0 and 1
  - expr: share_change_yoy between -1 and 1
  - range: { column: price_index, above: 0 }
    severity: warn
  - relationships: { column: brand, to: core.brand, field: brand }
  - expr: (select sum(won_against_count) from competitor.profile) <= (select count(*) from core.opportunity where status = 'won')
    name: no_win_counts_twice
--- */
WITH brand_total AS (
    SELECT
        brand,
        sum(t12m_units) AS t12m_units,
        sum(prior_t12m_units) AS prior_units,
        exact_sum(brand_value) / nullif(exact_sum(market_value), 0) AS price_index
    FROM competitor.trailing_brand
    GROUP BY brand
),

market_total AS (
    SELECT sum(t12m_units) AS t12m_units, sum(prior_t12m_units) AS prior_units
    FROM competitor.trailing_brand
),

place_unit AS (
    -- the units of a product type over all regions, and of a region over all product types
    SELECT 'product_type' AS place_kind, product_type AS place, brand, is_own, t12m_units
    FROM competitor.trailing_brand
    WHERE product_type <> 'unknown'
    UNION ALL
    SELECT 'region', region, brand, is_own, t12m_units
    FROM competitor.trailing_brand
    WHERE region <> 'unknown'
),

place_brand AS (
    SELECT place_kind, place, brand, sum(t12m_units) AS units
    FROM place_unit
    GROUP BY place_kind, place, brand
),

place_own AS (
    SELECT place_kind, place, sum(CASE WHEN is_own THEN t12m_units ELSE 0 END) AS units
    FROM place_unit
    GROUP BY place_kind, place
),

lead AS (
    SELECT
        place_brand.brand,
        string_agg(CASE WHEN place_brand.place_kind = 'product_type' THEN place_brand.place END, ', ' ORDER BY place_brand.place) AS product_types,
        string_agg(CASE WHEN place_brand.place_kind = 'region' THEN place_brand.place END, ', ' ORDER BY place_brand.place) AS regions,
        count(CASE WHEN place_brand.place_kind = 'product_type' THEN place_brand.place END) AS product_type_count,
        count(CASE WHEN place_brand.place_kind = 'region' THEN place_brand.place END) AS region_count
    FROM place_brand
    JOIN place_own
        ON place_own.place_kind = place_brand.place_kind
        AND place_own.place = place_brand.place
    WHERE place_brand.units > place_own.units
    GROUP BY place_brand.brand
),

met_brand AS (
    SELECT
        main_competitor AS brand,
        count(CASE WHEN status = 'won' THEN opportunity_id END) AS won_against_count,
        count(CASE WHEN status = 'lost' THEN opportunity_id END) AS lost_to_count
    FROM core.opportunity
    GROUP BY main_competitor
),

own_satisfaction AS (
    -- the same on every row of the table
    SELECT max(own_satisfaction_score) AS score FROM core.brand_satisfaction
),

reported_brand AS (
    SELECT brand, max(reported_date) AS latest_date
    FROM core.intelligence
    GROUP BY brand
)

SELECT
    brand.brand,
    brand.competition_level,
    brand.strategic_intent,
    CAST(coalesce(brand_total.t12m_units, 0) AS DOUBLE) / nullif(market_total.t12m_units, 0) AS t12m_share,
    CAST(coalesce(brand_total.t12m_units, 0) AS DOUBLE) / nullif(market_total.t12m_units, 0)
        -- a brand without a row had no unit in either year
        - CAST(CASE WHEN brand_total.brand IS NULL THEN 0 ELSE brand_total.prior_units END AS DOUBLE) / nullif(market_total.prior_units, 0)
        AS share_change_yoy,
    brand_total.price_index,
    lead.product_types AS leading_product_types,
    lead.regions AS leading_regions,
    coalesce(met_brand.won_against_count, 0) AS won_against_count,
    coalesce(met_brand.lost_to_count, 0) AS lost_to_count,
    own_satisfaction.score - satisfaction.satisfaction_score AS satisfaction_gap,
    CAST(reported_brand.latest_date AS TIMESTAMP) AS latest_intelligence_at,
    CAST(coalesce(brand_total.t12m_units, 0) AS BIGINT) AS t12m_units,
    coalesce(lead.product_type_count, 0) AS leading_product_type_count,
    coalesce(lead.region_count, 0) AS leading_region_count
FROM core.brand AS brand
CROSS JOIN market_total
CROSS JOIN own_satisfaction
LEFT JOIN brand_total ON brand_total.brand = brand.brand
LEFT JOIN lead ON lead.brand = brand.brand
LEFT JOIN met_brand ON met_brand.brand = brand.brand
LEFT JOIN core.brand_satisfaction AS satisfaction ON satisfaction.brand = brand.brand
LEFT JOIN reported_brand ON reported_brand.brand = brand.brand
WHERE brand.role IN ('competitor', 'benchmark')
