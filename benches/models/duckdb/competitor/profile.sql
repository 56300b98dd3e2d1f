-- domain.md, section 5: one row for each brand that we compete with.
WITH brand_total AS (
    SELECT brand, sum(t12m_units) AS units, sum(prior_t12m_units) AS prior_units, sum(brand_value) / nullif(sum(market_value), 0) AS price_index
    FROM competitor.trailing_brand GROUP BY brand
),
market AS (
    SELECT sum(t12m_units) AS units, sum(prior_t12m_units) AS prior_units FROM competitor.trailing_brand
),
by_type AS (
    SELECT product_type, brand, is_own, sum(t12m_units) AS units FROM competitor.trailing_brand WHERE product_type <> 'unknown' GROUP BY ALL
),
by_region AS (
    SELECT region, brand, is_own, sum(t12m_units) AS units FROM competitor.trailing_brand WHERE region <> 'unknown' GROUP BY ALL
),
leading_type AS (
    SELECT brand, string_agg(product_type, ', ' ORDER BY product_type) AS leading_product_types, count(*) AS leading_product_type_count
    FROM by_type
    WHERE units > coalesce((SELECT sum(own.units) FROM by_type AS own WHERE own.is_own AND own.product_type = by_type.product_type), 0)
    GROUP BY brand
),
leading_region AS (
    SELECT brand, string_agg(region, ', ' ORDER BY region) AS leading_regions, count(*) AS leading_region_count
    FROM by_region
    WHERE units > coalesce((SELECT sum(own.units) FROM by_region AS own WHERE own.is_own AND own.region = by_region.region), 0)
    GROUP BY brand
),
met AS (
    SELECT main_competitor AS brand, count(*) FILTER (status = 'won') AS won, count(*) FILTER (status = 'lost') AS lost
    FROM core.opportunity WHERE main_competitor IS NOT NULL
    GROUP BY ALL
),
heard AS (
    SELECT brand, timezone('UTC', max(reported_date)::TIMESTAMP) AS latest_intelligence_at FROM core.intelligence GROUP BY brand
),
own_satisfaction AS (
    SELECT max(own_satisfaction_score) AS score FROM core.brand_satisfaction
)
SELECT brand, competition_level, strategic_intent, coalesce(total.units, 0) / nullif(market.units, 0)::DOUBLE AS t12m_share,
    coalesce(total.units, 0) / nullif(market.units, 0)::DOUBLE - CASE WHEN market.prior_units IS NOT NULL THEN coalesce(total.prior_units, 0) END / nullif(market.prior_units, 0)::DOUBLE AS share_change_yoy,
    price_index, leading_product_types, leading_regions, coalesce(won, 0) AS won_against_count, coalesce(lost, 0) AS lost_to_count,
    own_satisfaction.score - satisfaction_score AS satisfaction_gap, latest_intelligence_at, coalesce(total.units, 0)::BIGINT AS t12m_units,
    coalesce(leading_product_type_count, 0) AS leading_product_type_count, coalesce(leading_region_count, 0) AS leading_region_count
FROM core.brand
LEFT JOIN brand_total AS total USING (brand)
LEFT JOIN leading_type USING (brand)
LEFT JOIN leading_region USING (brand)
LEFT JOIN met USING (brand)
LEFT JOIN heard USING (brand)
LEFT JOIN core.brand_satisfaction USING (brand), market, own_satisfaction
WHERE role IN ('competitor', 'benchmark')
