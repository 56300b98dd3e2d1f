/* ---
description: >
  Whom we are measured against in each region and product type (domain.md, section 1): the strongest competitor, which
  is the brand with the role competitor or benchmark and most units in the trailing 12 months, ties by brand code; and
  the benchmark, which is the brand that the reference flags for the product type, whether or not it sells in the
  region. Regions and product types have rows when they had a unit in the trailing 12 months. Where no competitor sold
  a unit there is no strongest one, and where the reference flags no brand no benchmark.
owner: market-research
key: [region, product_type, rival_kind]
columns:
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  rival_kind: { type: string, title: { zh: 对手类别, en: Rival kind }, description: "strongest or benchmark." }
  rival_brand: { type: string, title: { zh: 对手品牌, en: Rival brand }, description: Brand of the rival. }
  t12m_units: { type: bigint, unit: units, title: { zh: 滚动12月销量, en: T12m units }, description: Units of the rival in the trailing 12 months. }
checks:
  - not_null: [region, product_type, rival_kind, rival_brand, t12m_units]
  - accepted_values: { column: rival_kind, values: [strongest, benchmark] }
  - relationships: { column: rival_brand, to: core.brand, field: brand }
  - expr: t12m_units > 0
    where: rival_kind = 'strongest'
    name: the_strongest_sells
--- */
WITH market AS (
    SELECT DISTINCT region, product_type
    FROM competitor.trailing_brand
    WHERE t12m_units > 0
),

ranked_competitor AS (
    SELECT
        region,
        product_type,
        brand,
        t12m_units,
        row_number() OVER (PARTITION BY region, product_type ORDER BY t12m_units DESC, brand) AS place
    FROM competitor.trailing_brand
    WHERE role IN ('competitor', 'benchmark') AND t12m_units > 0
)

SELECT region, product_type, 'strongest' AS rival_kind, brand AS rival_brand, t12m_units
FROM ranked_competitor
WHERE place = 1
UNION ALL
SELECT
    market.region,
    market.product_type,
    'benchmark',
    coalesce(brand.brand, 'unknown'),
    coalesce(trailing_brand.t12m_units, 0)
FROM market
JOIN staged.benchmark AS benchmark ON benchmark.product_type = market.product_type
LEFT JOIN core.brand AS brand ON brand.brand = benchmark.brand
LEFT JOIN competitor.trailing_brand AS trailing_brand
    ON trailing_brand.region = market.region
    AND trailing_brand.product_type = market.product_type
    AND trailing_brand.brand = brand.brand
