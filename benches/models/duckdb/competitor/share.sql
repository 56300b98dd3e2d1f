-- domain.md, sections 1 and 5: a brand has a row in each month whose trailing 24 months hold a unit of it there.
WITH sold AS (
    SELECT month, region, product_type, brand, sum(units) AS units FROM core.registration GROUP BY ALL
),
market AS (
    SELECT month, region, product_type, sum(units) AS market_units FROM sold GROUP BY ALL
),
due AS (
    SELECT DISTINCT unnest(range(month, month + INTERVAL 24 MONTH, INTERVAL 1 MONTH))::DATE AS month, region, product_type, brand
    FROM sold
    WHERE units <> 0
),
listed AS (
    SELECT month, region, product_type, brand, is_registration_complete, registration_t12m_month AS t12m_month, coalesce(units, 0) AS units
    FROM due JOIN core.month USING (month) LEFT JOIN sold USING (month, region, product_type, brand)
),
trailing_brand AS (
    SELECT month, region, product_type, brand,
        sum(units) OVER (PARTITION BY region, product_type, brand ORDER BY month RANGE BETWEEN INTERVAL 11 MONTH PRECEDING AND CURRENT ROW) AS t12m_units
    FROM listed
),
trailing_market AS (
    SELECT month, region, product_type, sum(t12m_units) AS t12m_market FROM trailing_brand GROUP BY ALL
),
measured AS (
    SELECT month, region, product_type, brand, is_registration_complete, t12m_month, units, coalesce(market.market_units, 0) AS market_units,
        units / nullif(market.market_units, 0)::DOUBLE AS unit_share,
        (month - INTERVAL 1 YEAR)::DATE AS prior_month
    FROM listed LEFT JOIN market USING (month, region, product_type)
)
SELECT this.month, this.region, this.product_type, this.brand, this.units::BIGINT AS units, this.market_units::BIGINT AS market_units, unit_share,
    CASE WHEN 'unknown' NOT IN (this.region, this.product_type, this.brand)
        THEN rank() OVER (PARTITION BY this.month, this.region, this.product_type, this.brand = 'unknown' ORDER BY unit_share DESC NULLS LAST) END AS share_rank,
    CASE WHEN is_registration_complete THEN unit_share - coalesce(before.units, 0) / nullif(market_before.market_units, 0)::DOUBLE END AS share_change_yoy,
    CASE WHEN t12m_month IS NOT NULL THEN coalesce(t12m_units, 0)::BIGINT END AS t12m_units,
    CASE WHEN t12m_month IS NOT NULL THEN coalesce(t12m_units, 0) / nullif(t12m_market, 0)::DOUBLE END AS t12m_share
FROM measured AS this
LEFT JOIN sold AS before
    ON before.month = prior_month AND before.region = this.region AND before.product_type = this.product_type AND before.brand = this.brand
LEFT JOIN market AS market_before ON market_before.month = prior_month AND market_before.region = this.region AND market_before.product_type = this.product_type
LEFT JOIN trailing_brand ON trailing_brand.month = t12m_month AND trailing_brand.region = this.region AND trailing_brand.product_type = this.product_type
    AND trailing_brand.brand = this.brand
LEFT JOIN trailing_market ON trailing_market.month = t12m_month AND trailing_market.region = this.region AND trailing_market.product_type = this.product_type
