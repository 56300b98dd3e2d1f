-- domain.md, sections 1 and 5: a brand has a row in each month whose trailing 24 months hold a unit of it there.
WITH sold AS (
    SELECT month, region, product_type, brand, sum(units) AS units FROM core.registration GROUP BY ALL
),
due AS (
    SELECT DISTINCT core.month.month, is_registration_complete, registration_t12m_month, region, product_type, brand
    FROM sold JOIN core.month ON core.month.month >= sold.month AND core.month.month < sold.month + INTERVAL 24 MONTH
    WHERE units <> 0
),
market AS (
    SELECT month, region, product_type, sum(units) AS market_units FROM sold GROUP BY ALL
),
trailing_brand AS (
    SELECT ends.month, region, product_type, brand, sum(units) AS t12m_units
    FROM sold JOIN core.month AS ends ON sold.month <= ends.registration_t12m_month AND sold.month > ends.registration_t12m_month - INTERVAL 12 MONTH
    GROUP BY ALL
),
trailing_market AS (
    SELECT month, region, product_type, sum(t12m_units) AS t12m_market FROM trailing_brand GROUP BY ALL
),
measured AS (
    SELECT due.month, region, product_type, brand, is_registration_complete, coalesce(units, 0) AS units, coalesce(market_units, 0) AS market_units,
        coalesce(units, 0) / nullif(market_units, 0)::DOUBLE AS unit_share, coalesce(t12m_units, 0) AS t12m_units,
        coalesce(t12m_units, 0) / nullif(t12m_market, 0)::DOUBLE AS t12m_share
    FROM due
    LEFT JOIN sold USING (month, region, product_type, brand)
    LEFT JOIN market USING (month, region, product_type)
    LEFT JOIN trailing_brand USING (month, region, product_type, brand)
    LEFT JOIN trailing_market USING (month, region, product_type)
),
before AS (
    SELECT (market.month + INTERVAL 1 YEAR)::DATE AS month, region, product_type, market_units AS prior_market FROM market
),
sold_before AS (
    SELECT (sold.month + INTERVAL 1 YEAR)::DATE AS month, region, product_type, brand, units AS prior_units FROM sold
)
SELECT month, region, product_type, brand, units::BIGINT AS units, market_units::BIGINT AS market_units, unit_share,
    CASE WHEN 'unknown' NOT IN (region, product_type, brand)
        THEN rank() OVER (PARTITION BY month, region, product_type, brand = 'unknown' ORDER BY units / nullif(market_units, 0)::DOUBLE DESC NULLS LAST) END AS share_rank,
    CASE WHEN is_registration_complete THEN unit_share - coalesce(prior_units, 0) / nullif(prior_market, 0)::DOUBLE END AS share_change_yoy,
    t12m_units::BIGINT AS t12m_units, t12m_share
FROM measured
LEFT JOIN before USING (month, region, product_type)
LEFT JOIN sold_before USING (month, region, product_type, brand)
