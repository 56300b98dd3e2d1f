-- domain.md, section 5: us against the rivals of each region and product type.
WITH own AS (
    SELECT region, product_type, sum(t12m_units) AS units, sum(brand_value) / nullif(sum(priced_units), 0) AS price
    FROM competitor.trailing_brand WHERE is_own GROUP BY ALL
),
market AS (
    SELECT region, product_type, any_value(t12m_market_units) AS units FROM competitor.trailing_brand GROUP BY ALL
),
own_rating AS (
    SELECT region, product_type, avg(rating) AS rating FROM core.fleet WHERE is_own GROUP BY ALL
),
brand_rating AS (
    SELECT region, product_type, brand AS rival_brand, avg(rating) AS rating FROM core.fleet GROUP BY ALL
),
own_satisfaction AS (
    SELECT max(own_satisfaction_score) AS score FROM core.brand_satisfaction
)
SELECT region, product_type, rival_kind, rival_brand,
    coalesce(own.units, 0) / nullif(market.units, 0)::DOUBLE AS own_t12m_share,
    rival.t12m_units / nullif(market.units, 0)::DOUBLE AS rival_t12m_share,
    own.price AS own_average_price, brand.average_price AS rival_average_price,
    own_satisfaction.score AS own_satisfaction_score, satisfaction_score AS rival_satisfaction_score,
    own_rating.rating AS own_fleet_rating, brand_rating.rating AS rival_fleet_rating,
    (coalesce(own.units, 0) - rival.t12m_units) / nullif(market.units, 0)::DOUBLE AS gap_t12m_share,
    own.price - brand.average_price AS gap_average_price, own_satisfaction.score - satisfaction_score AS gap_satisfaction_score,
    own_rating.rating - brand_rating.rating AS gap_fleet_rating
FROM competitor.rival AS rival
LEFT JOIN market USING (region, product_type)
LEFT JOIN own USING (region, product_type)
LEFT JOIN (SELECT region, product_type, brand AS rival_brand, average_price FROM competitor.trailing_brand) AS brand USING (region, product_type, rival_brand)
LEFT JOIN (SELECT brand AS rival_brand, satisfaction_score FROM core.brand_satisfaction) USING (rival_brand)
LEFT JOIN own_rating USING (region, product_type)
LEFT JOIN brand_rating USING (region, product_type, rival_brand), own_satisfaction
