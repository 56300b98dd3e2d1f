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
    SELECT region, product_type, sum(revenue)::DOUBLE / nullif(sum(units), 0) AS price FROM machine GROUP BY ALL
),
own_home AS (
    SELECT product_type, sum(revenue)::DOUBLE / nullif(sum(units), 0) AS price
    FROM machine WHERE country IN (SELECT country FROM core.region WHERE is_domestic)
    GROUP BY ALL
),
gapped AS (
    SELECT *, own_units / nullif(market_units, 0)::DOUBLE AS own_share,
        target_share - own_units / nullif(market_units, 0)::DOUBLE AS gap_share,
        round((target_share - own_units / nullif(market_units, 0)::DOUBLE) * market_units)::BIGINT AS gap_units
    FROM place
)
SELECT region, product_type, own_share, target_share, gap_share, gap_units,
    round(gap_units * coalesce(own_there.price, own_home.price), 2)::DECIMAL(18, 2) AS gap_amount, market_units, own_units,
    coalesce(own_there.price, own_home.price) AS own_price,
    CASE WHEN own_there.price IS NOT NULL THEN false WHEN own_home.price IS NOT NULL THEN true END AS is_national_price
FROM gapped LEFT JOIN own_there USING (region, product_type) LEFT JOIN own_home USING (product_type)
