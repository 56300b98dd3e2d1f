/* ---
description: >
  How we stand against the rivals of each region and product type: share and price of the trailing 12 months by
  registrations, satisfaction and the rating of the fleet. Rivals are those of competitor.rival. Own brands are taken
  together. A side without a registration there has a share of 0 and no price. The satisfaction is that of the brand
  anywhere (core.brand_satisfaction); the fleet rating is the mean over the rated lines of the latest census in the
  region and product type, each line counting once. A gap is ours less the rival's, and NULL where either is not known.
owner: market-research
key: [region, product_type, rival_kind]
columns:
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  rival_kind: { type: string, title: { zh: 对手类别, en: Rival kind }, description: "strongest or benchmark." }
  rival_brand: { type: string, title: { zh: 对手品牌, en: Rival brand }, description: Brand of the rival. }
  own_t12m_share: { type: double, unit: share, title: { zh: 自有滚动12月份额, en: Own t12m share }, description: Own units of market units. }
  rival_t12m_share: { type: double, unit: share, title: { zh: 对手滚动12月份额, en: Rival t12m share }, description: Units of the rival of market units. }
  own_average_price: { type: double, unit: reporting currency, title: { zh: 自有均价, en: Own average price }, description: Units-weighted average price. }
  rival_average_price: { type: double, unit: reporting currency, title: { zh: 对手均价, en: Rival average price }, description: Units-weighted average price. }
  own_satisfaction_score: { type: double, unit: points 1..10, title: { zh: 自有满意度, en: Own satisfaction }, description: Mean overall score. }
  rival_satisfaction_score: { type: double, unit: points 1..10, title: { zh: 对手满意度, en: Rival satisfaction }, description: Mean overall score. }
  own_fleet_rating: { type: double, unit: points 1..10, title: { zh: 自有设备评价, en: Own fleet rating }, description: Mean rating of the census. }
  rival_fleet_rating: { type: double, unit: points 1..10, title: { zh: 对手设备评价, en: Rival fleet rating }, description: Mean rating of the census. }
  gap_t12m_share: { type: double, unit: share points, title: { zh: 份额差距, en: Share gap }, description: Own less rival. }
  gap_average_price: { type: double, unit: reporting currency, title: { zh: 均价差距, en: Price gap }, description: Own less rival. }
  gap_satisfaction_score: { type: double, unit: points, title: { zh: 满意度差距, en: Satisfaction gap }, description: Own less rival. }
  gap_fleet_rating: { type: double, unit: points, title: { zh: 设备评价差距, en: Fleet rating gap }, description: Own less rival. }
checks:
  - not_null: [region, product_type, rival_kind, rival_brand, own_t12m_share, rival_t12m_share]
  - accepted_values: { column: rival_kind, values: [strongest, benchmark] }
  - relationships: { column: rival_brand, to: core.brand, field: brand }
  - expr: own_t12m_share between 0 and 1 and rival_t12m_share between 0 and 1
  - expr: own_t12m_share + rival_t12m_share <= 1.000000000001
    where: rival_brand not in (select brand from core.brand where is_own)
    name: two_shares_are_no_more_than_the_market
  - expr: gap_t12m_share between -1 and 1
--- */
WITH own_brand AS (
    SELECT
        region,
        product_type,
        max(t12m_market_units) AS market_units,
        CAST(sum(CASE WHEN is_own THEN t12m_units ELSE 0 END) AS DOUBLE) AS units,
        sum(CASE WHEN is_own THEN priced_units ELSE 0 END) AS priced_units,
        exact_sum(CASE WHEN is_own THEN brand_value END) AS brand_value
    FROM competitor.trailing_brand
    GROUP BY region, product_type
),

fleet_rating AS (
    SELECT region, product_type, brand, exact_avg(rating) AS rating
    FROM core.fleet
    GROUP BY region, product_type, brand
),

own_fleet_rating AS (
    SELECT region, product_type, exact_avg(rating) AS rating
    FROM core.fleet
    WHERE is_own
    GROUP BY region, product_type
),

own_satisfaction AS (
    -- the same on every row of the table
    SELECT max(own_satisfaction_score) AS score FROM core.brand_satisfaction
),

compared_rival AS (
    SELECT
        rival.region,
        rival.product_type,
        rival.rival_kind,
        rival.rival_brand,
        own_brand.units / nullif(own_brand.market_units, 0) AS own_t12m_share,
        CAST(rival.t12m_units AS DOUBLE) / nullif(own_brand.market_units, 0) AS rival_t12m_share,
        own_brand.brand_value / nullif(own_brand.priced_units, 0) AS own_average_price,
        rival_brand.average_price AS rival_average_price,
        own_satisfaction.score AS own_satisfaction_score,
        satisfaction.satisfaction_score AS rival_satisfaction_score,
        own_fleet_rating.rating AS own_fleet_rating,
        fleet_rating.rating AS rival_fleet_rating
    FROM competitor.rival AS rival
    CROSS JOIN own_satisfaction
    LEFT JOIN own_brand
        ON own_brand.region = rival.region
        AND own_brand.product_type = rival.product_type
    LEFT JOIN competitor.trailing_brand AS rival_brand
        ON rival_brand.region = rival.region
        AND rival_brand.product_type = rival.product_type
        AND rival_brand.brand = rival.rival_brand
    LEFT JOIN core.brand_satisfaction AS satisfaction ON satisfaction.brand = rival.rival_brand
    LEFT JOIN own_fleet_rating
        ON own_fleet_rating.region = rival.region
        AND own_fleet_rating.product_type = rival.product_type
    LEFT JOIN fleet_rating
        ON fleet_rating.region = rival.region
        AND fleet_rating.product_type = rival.product_type
        AND fleet_rating.brand = rival.rival_brand
)

SELECT
    region,
    product_type,
    rival_kind,
    rival_brand,
    own_t12m_share,
    rival_t12m_share,
    own_average_price,
    rival_average_price,
    own_satisfaction_score,
    rival_satisfaction_score,
    own_fleet_rating,
    rival_fleet_rating,
    own_t12m_share - rival_t12m_share AS gap_t12m_share,
    own_average_price - rival_average_price AS gap_average_price,
    own_satisfaction_score - rival_satisfaction_score AS gap_satisfaction_score,
    own_fleet_rating - rival_fleet_rating AS gap_fleet_rating
FROM compared_rival
