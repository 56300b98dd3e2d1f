-- domain.md, section 5: what respondents know, consider and prefer, by ended survey period, region and brand.
WITH answer AS (
    SELECT period_from, period_to, region, brand, count(*) AS answer_count, avg(knows_brand::INT) AS knows_rate, avg(considers_brand::INT) AS considers_rate,
        avg(prefers_brand::INT) AS prefers_rate, avg(would_buy_again::INT) AS would_buy_again_rate
    FROM core.survey_answer
    WHERE is_first_factor AND period_to <= getvariable('run_date')
    GROUP BY ALL
),
period AS (
    SELECT DISTINCT period_from, period_to FROM answer
),
premium AS (
    SELECT period_from, period_to, region, brand, sum(units * average_price) / nullif(sum(units * market_price) FILTER (average_price IS NOT NULL), 0) - 1 AS price_premium_rate
    FROM core.registration JOIN period ON month BETWEEN date_trunc('month', period_from) AND period_to
    GROUP BY ALL
),
policy AS (
    SELECT period_to, max(value) FILTER (key = 'competitor.brand_strength.name_knows_from') AS knows_from,
        max(value) FILTER (key = 'competitor.brand_strength.brand_considers_from') AS considers_from,
        max(value) FILTER (key = 'competitor.brand_strength.strong_prefers_from') AS prefers_from,
        max(value) FILTER (key = 'competitor.brand_strength.strong_premium_from') AS premium_from
    FROM (SELECT DISTINCT period_to FROM period) JOIN core.policy ON valid_from <= period_to AND (valid_to IS NULL OR valid_to > period_to)
    GROUP BY period_to
)
SELECT period_from, period_to, region, brand, knows_rate, considers_rate, prefers_rate, would_buy_again_rate, price_premium_rate,
    CASE WHEN round(prefers_rate, 12) >= prefers_from AND round(price_premium_rate, 12) >= premium_from THEN 'strong_brand'
        WHEN round(considers_rate, 12) >= considers_from THEN 'brand' WHEN round(knows_rate, 12) >= knows_from THEN 'name'
        WHEN coalesce(knows_rate, considers_rate, prefers_rate) IS NOT NULL THEN 'commodity' END AS stage,
    answer_count
FROM answer LEFT JOIN premium USING (period_from, period_to, region, brand) LEFT JOIN policy USING (period_to)
