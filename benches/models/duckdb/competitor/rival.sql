-- domain.md, section 1: the strongest competitor and the benchmark of each region and product type.
WITH brand_units AS (
    SELECT region, product_type, brand, role, t12m_units, sum(t12m_units) OVER (PARTITION BY region, product_type) AS market_units
    FROM competitor.trailing_brand
),
market AS (
    SELECT DISTINCT region, product_type FROM brand_units WHERE market_units > 0
)
SELECT region, product_type, 'strongest' AS rival_kind, brand AS rival_brand, t12m_units
FROM brand_units
WHERE role IN ('competitor', 'benchmark') AND t12m_units > 0
QUALIFY row_number() OVER (PARTITION BY region, product_type ORDER BY t12m_units DESC, brand) = 1
UNION ALL
SELECT region, product_type, 'benchmark', benchmark.brand, coalesce(t12m_units, 0)
FROM market JOIN staged.benchmark AS benchmark USING (product_type)
LEFT JOIN competitor.trailing_brand AS sold USING (region, product_type, brand)
