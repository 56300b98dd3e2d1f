-- domain.md, section 5: provinces where we lose, in the latest complete year. The nation is the country of the province.
WITH complete_year AS (
    SELECT year FROM core.month WHERE is_registration_complete GROUP BY year HAVING count(*) = 12
),
period AS (
    SELECT max(year) AS year, bool_or(year = (SELECT max(year) - 1 FROM complete_year)) AS has_prior FROM complete_year
),
market AS (
    SELECT province, any_value(country) AS country, product_type,
        coalesce(sum(units) FILTER (year(month) = year), 0) AS market_units, coalesce(sum(units) FILTER (year(month) = year AND is_own), 0) AS own_units,
        coalesce(sum(units) FILTER (year(month) = year - 1), 0) AS prior_market, coalesce(sum(units) FILTER (year(month) = year - 1 AND is_own), 0) AS prior_own
    FROM core.registration, period
    WHERE year(month) IN (year, year - 1)
    GROUP BY province, product_type
),
measured AS (
    SELECT *, CASE WHEN has_prior THEN own_units / nullif(prior_own, 0)::DOUBLE - 1 END AS own_growth,
        CASE WHEN has_prior THEN market_units / nullif(prior_market, 0)::DOUBLE - 1 END AS market_growth,
        own_units / nullif(market_units, 0)::DOUBLE AS own_share,
        sum(own_units) OVER (PARTITION BY country, product_type) / nullif(sum(market_units) OVER (PARTITION BY country, product_type), 0)::DOUBLE AS national_own_share,
        CASE WHEN has_prior THEN prior_own / nullif(prior_market, 0)::DOUBLE END AS prior_own_share
    FROM market, period
)
SELECT province, product_type, own_growth, market_growth, own_share, national_own_share,
    round(own_growth, 12) < round(market_growth, 12) AND round(own_share, 12) < round(national_own_share, 12) AS is_weak,
    CASE WHEN prior_own_share IS NOT NULL AND own_share IS NOT NULL THEN greatest(0, (prior_own_share - own_share) * market_units) END AS units_lost,
    year, country, own_units::BIGINT AS own_units, market_units::BIGINT AS market_units, prior_own_share
FROM measured
