-- domain.md, section 1: each brand's trailing 12 months by registrations, and the 12 months before.
WITH period AS (
    SELECT registration_t12m_from AS first_month, registration_month AS last_month, (registration_t12m_from - INTERVAL 1 YEAR)::DATE AS prior_from
    FROM core.latest_period
),
prior AS (
    SELECT count(*) = 12 AS is_whole FROM core.month JOIN period ON month >= prior_from AND month < first_month WHERE is_registration_complete
),
brand_units AS (
    SELECT region, product_type, brand, coalesce(sum(units) FILTER (month >= first_month), 0) AS now_units,
        coalesce(sum(units) FILTER (month < first_month), 0) AS prior_units,
        coalesce(sum(units) FILTER (month >= first_month AND average_price IS NOT NULL), 0) AS priced_units,
        sum(units * average_price) FILTER (month >= first_month) AS brand_value,
        sum(units * market_price) FILTER (month >= first_month AND average_price IS NOT NULL) AS market_value
    FROM core.registration JOIN period ON month BETWEEN prior_from AND last_month
    GROUP BY ALL
),
market AS (
    SELECT region, product_type, sum(now_units) AS now_market, sum(prior_units) AS prior_market FROM brand_units GROUP BY ALL
)
SELECT region, product_type, brand, role, is_own, now_units::BIGINT AS t12m_units, now_market::BIGINT AS t12m_market_units,
    now_units / nullif(now_market, 0)::DOUBLE AS t12m_share, CASE WHEN is_whole THEN prior_units::BIGINT END AS prior_t12m_units,
    CASE WHEN is_whole THEN prior_market::BIGINT END AS prior_t12m_market_units, brand_value / nullif(priced_units, 0) AS average_price,
    priced_units::BIGINT AS priced_units, brand_value, market_value
FROM brand_units JOIN market USING (region, product_type) JOIN core.brand USING (brand), prior
