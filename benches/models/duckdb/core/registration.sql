-- domain.md, section 3: market registrations with the members by which they are rolled up, and the price tier.
WITH priced AS (
    SELECT
        line.*,
        sum(CASE WHEN average_price IS NOT NULL THEN units * average_price::DECIMAL(18, 6) END) OVER market::DOUBLE
            / nullif(sum(CASE WHEN average_price IS NOT NULL THEN units END) OVER market, 0) AS market_price,
        CASE WHEN line.country NOT IN (SELECT country FROM core.region WHERE is_domestic) THEN line.country ELSE line.province END AS place
    FROM staged.market_registration AS line
    WINDOW market AS (PARTITION BY month, product_type)
),
limited AS (
    SELECT
        month.month,
        max(policy.value) FILTER (WHERE policy.key = 'registration.price_tier_low_below') AS low_below,
        max(policy.value) FILTER (WHERE policy.key = 'registration.price_tier_high_from') AS high_from
    FROM (SELECT DISTINCT month, last_day(month) AS last_date FROM staged.market_registration) AS month
    JOIN core.policy AS policy ON month.last_date >= policy.valid_from AND (policy.valid_to IS NULL OR month.last_date < policy.valid_to)
    GROUP BY month.month
)
SELECT
    line.month,
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    coalesce(region.country, line.country, 'unknown') AS country,
    line.product_type,
    coalesce(industry.industry, 'unknown') AS industry,
    coalesce(industry.industry_group, 'unknown') AS industry_group,
    coalesce(brand.brand, 'unknown') AS brand,
    coalesce(brand.is_own, false) AS is_own,
    line.units,
    line.average_price,
    line.market_price,
    CASE
        WHEN line.average_price IS NULL OR line.market_price IS NULL THEN 'unknown'
        WHEN round(line.average_price / nullif(line.market_price, 0), 12) < limited.low_below THEN 'low'
        WHEN round(line.average_price / nullif(line.market_price, 0), 12) < limited.high_from THEN 'middle'
        ELSE 'high'
    END AS price_tier,
    line.province AS source_province,
    line.country AS source_country,
    line.industry AS source_industry,
    line.brand AS source_brand
FROM priced AS line
LEFT JOIN limited ON limited.month = line.month
LEFT JOIN core.region AS region ON region.province = line.place
LEFT JOIN core.industry AS industry ON industry.industry = line.industry
LEFT JOIN core.brand AS brand ON brand.brand = line.brand
