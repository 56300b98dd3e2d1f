-- domain.md, section 4: segments by year. Growth compares complete months with the same months of the earlier year.
WITH complete AS (
    SELECT month, year FROM core.month WHERE is_registration_complete
),
covered AS (
    SELECT now.month, now.year, prior.month IS NOT NULL AS has_prior, third.month IS NOT NULL AS has_third
    FROM complete AS now
    LEFT JOIN complete AS prior ON prior.month = now.month - INTERVAL 1 YEAR
    LEFT JOIN complete AS third ON third.month = now.month - INTERVAL 3 YEAR
),
covered_year AS (
    SELECT year, count(*) AS months_covered, bool_and(has_prior) AS has_prior, bool_and(has_third) AS has_third
    FROM covered
    GROUP BY year
),
brand_month AS (
    SELECT month, year(month) AS year, region, product_type, industry, brand, any_value(industry_group) AS industry_group, sum(units) AS units,
        sum(units) FILTER (is_own) AS own_units,
        sum(units) FILTER (average_price IS NOT NULL) AS priced_units, sum(average_price * units) AS value
    FROM core.registration
    GROUP BY ALL
),
brand_year AS (
    SELECT year, region, product_type, industry, brand, any_value(industry_group) AS industry_group, sum(units) AS units, sum(own_units) AS own_units,
        sum(priced_units) AS priced_units, sum(value) AS value
    FROM brand_month
    GROUP BY year, region, product_type, industry, brand
),
segment_year AS (
    SELECT year, region, product_type, industry, any_value(industry_group) AS industry_group, sum(units)::BIGINT AS market_units,
        coalesce(sum(own_units), 0)::BIGINT AS own_units, sum(units * units) / nullif(sum(units) ** 2, 0) AS hhi,
        sum(value) / nullif(sum(priced_units), 0) AS average_price
    FROM brand_year
    GROUP BY year, region, product_type, industry
),
compared AS (
    SELECT year, region, product_type, industry, sum(units) AS units FROM brand_month JOIN covered USING (month, year) GROUP BY year, region, product_type, industry
),
one_year_before AS (
    SELECT covered.year, region, product_type, industry, sum(units) AS units
    FROM brand_month JOIN covered ON brand_month.month = covered.month - INTERVAL 1 YEAR
    GROUP BY covered.year, region, product_type, industry
),
three_years_before AS (
    SELECT covered.year, region, product_type, industry, sum(units) AS units
    FROM brand_month JOIN covered ON brand_month.month = covered.month - INTERVAL 3 YEAR
    GROUP BY covered.year, region, product_type, industry
),
place AS (
    SELECT region, CASE WHEN count(DISTINCT country) = 1 THEN any_value(country) ELSE 'several' END AS country
    FROM core.region
    GROUP BY region
),
reached AS (
    SELECT DISTINCT year(line.order_date) AS year, dealer.region
    FROM core.sales AS line JOIN core.dealer AS dealer ON dealer.dealer_code = line.dealer
    WHERE line.line_kind = 'machine' AND dealer.region <> 'unknown' AND dealer.dealer_code <> 'unknown'
        AND (dealer.left_date IS NULL OR dealer.left_date > make_date(year(line.order_date), 12, 31) OR dealer.left_date < dealer.joined_date)
),
policy_year AS (
    SELECT year, max(value) FILTER (key = 'segment.market.sufficient_units') AS least_units,
        max(value) FILTER (key = 'segment.market.sufficient_growth') AS least_growth
    FROM (SELECT DISTINCT year FROM segment_year)
    JOIN core.policy ON valid_from <= make_date(year, 12, 31) AND (valid_to IS NULL OR valid_to > make_date(year, 12, 31))
    GROUP BY year
),
measured AS (
    SELECT segment_year.*, coalesce(months_covered, 0) AS months_covered,
        coalesce(compared.units, 0) AS covered_market_units,
        CASE WHEN has_prior THEN coalesce(one_year_before.units, 0) END AS prior_market_units,
        CASE WHEN has_prior THEN coalesce(compared.units, 0) / nullif(one_year_before.units, 0)::DOUBLE - 1 END AS market_growth,
        CASE WHEN has_third THEN (coalesce(compared.units, 0) / nullif(three_years_before.units, 0)::DOUBLE) ** (1.0 / 3) - 1 END AS market_cagr_3y
    FROM segment_year
    LEFT JOIN covered_year USING (year)
    LEFT JOIN compared USING (year, region, product_type, industry)
    LEFT JOIN one_year_before USING (year, region, product_type, industry)
    LEFT JOIN three_years_before USING (year, region, product_type, industry)
)
SELECT year::INT AS year, region, product_type, industry, coalesce(country, 'unknown') AS country, industry_group, market_units, own_units,
    own_units / nullif(market_units, 0)::DOUBLE AS own_share, prior_market_units::BIGINT AS prior_market_units, market_growth, market_cagr_3y, hhi,
    CASE WHEN 'unknown' NOT IN (region, product_type, industry) THEN rank() OVER (PARTITION BY year, 'unknown' NOT IN (region, product_type, industry) ORDER BY market_units DESC) END AS capacity_rank,
    average_price, market_units > 0 AND average_price IS NOT NULL AS is_measurable,
    market_units >= least_units AND round(market_growth, 12) >= least_growth AS is_sufficient,
    reached.region IS NOT NULL AS is_reachable, months_covered, covered_market_units::BIGINT AS covered_market_units
FROM measured
LEFT JOIN place USING (region)
LEFT JOIN reached USING (year, region)
LEFT JOIN policy_year USING (year)
