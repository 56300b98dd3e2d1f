-- domain.md, section 4: our share and the share that we want, over the trailing 12 months by registrations.
WITH period AS (
    SELECT registration_t12m_from AS first_month, registration_month AS last_month FROM core.latest_period
),
market AS (
    SELECT region, product_type, industry, sum(units) AS market_units, coalesce(sum(units) FILTER (is_own), 0) AS own_units
    FROM core.registration JOIN period ON month BETWEEN first_month AND last_month
    GROUP BY ALL
),
wanted AS (
    SELECT region, product_type, industry, target_share FROM core.segment_policy
    WHERE valid_from <= getvariable('run_date') AND (valid_to IS NULL OR valid_to > getvariable('run_date'))
),
place AS (
    SELECT region, product_type, sum(market_units)::BIGINT AS market_units, sum(own_units)::BIGINT AS own_units,
        sum(target_share * market_units) / nullif(sum(market_units) FILTER (target_share IS NOT NULL), 0) AS target_share
    FROM market LEFT JOIN wanted USING (region, product_type, industry)
    GROUP BY ALL
),
machine AS (
    SELECT region, country, product_type, revenue, units
    FROM core.sales JOIN period ON order_month BETWEEN first_month AND last_month
    WHERE line_kind = 'machine' AND revenue IS NOT NULL
),
own_there AS (
    SELECT region, product_type, sum(revenue) AS revenue, nullif(sum(units), 0) AS units FROM machine GROUP BY ALL
),
own_home AS (
    SELECT product_type, sum(revenue) AS revenue, nullif(sum(units), 0) AS units
    FROM machine WHERE country IN (SELECT country FROM core.region WHERE is_domestic)
    GROUP BY ALL
),
gapped AS (
    SELECT *, own_units / nullif(market_units, 0)::DOUBLE AS own_share,
        target_share - own_units / nullif(market_units, 0)::DOUBLE AS gap_share,
        round(round((target_share - own_units / nullif(market_units, 0)::DOUBLE) * market_units, 12))::BIGINT AS gap_units
    FROM place
),
priced AS (
    SELECT gapped.*,
        CASE WHEN own_there.units > 0 THEN own_there.revenue ELSE own_home.revenue END AS revenue,
        CASE WHEN own_there.units > 0 THEN own_there.units ELSE own_home.units END AS units,
        CASE WHEN own_there.units > 0 THEN false WHEN own_home.units > 0 THEN true END AS is_national_price
    FROM gapped LEFT JOIN own_there USING (region, product_type) LEFT JOIN own_home USING (product_type)
),
costed AS (
    SELECT *, (revenue * 100)::HUGEINT * gap_units AS cents FROM priced
)
SELECT region, product_type, own_share, target_share, gap_share, gap_units,
    -- whole cents, half away from zero
    (sign(cents) * ((2 * abs(cents) + units) // (2 * units))::DECIMAL(18, 0) / 100)::DECIMAL(18, 2) AS gap_amount, market_units, own_units,
    revenue::DOUBLE / units AS own_price, is_national_price
FROM costed
