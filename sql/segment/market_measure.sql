/* ---
kind: view
description: >
  What segment.market and segment.market_by_tier have in common: the measures of every segment and year, once for each
  price tier and once for the whole segment, which has the tier `all`. The two tables say what the columns mean.
owner: market-research
key: [year, region, product_type, industry, price_tier]
--- */
WITH tiered_line AS (
    -- each line twice: in its price tier, and in the whole segment
    SELECT month, region, product_type, industry, industry_group, price_tier, brand, is_own, units, average_price
    FROM core.registration
    UNION ALL
    SELECT month, region, product_type, industry, industry_group, 'all', brand, is_own, units, average_price
    FROM core.registration
),

segment_month AS (
    SELECT
        month,
        region,
        product_type,
        industry,
        price_tier,
        sum(units) AS market_units
    FROM tiered_line
    GROUP BY month, region, product_type, industry, price_tier
),

segment_year AS (
    SELECT
        CAST(date_part('year', month) AS INT) AS year,
        region,
        product_type,
        industry,
        price_tier,
        min(industry_group) AS industry_group,
        sum(units) AS market_units,
        sum(CASE WHEN is_own THEN units ELSE 0 END) AS own_units,
        sum(CASE WHEN average_price IS NOT NULL THEN units END) AS priced_units,
        exact_sum(average_price * units) AS priced_amount
    FROM tiered_line
    GROUP BY date_part('year', month), region, product_type, industry, price_tier
),

brand_year AS (
    SELECT
        CAST(date_part('year', month) AS INT) AS year,
        region,
        product_type,
        industry,
        price_tier,
        brand,
        sum(units) AS units
    FROM tiered_line
    GROUP BY date_part('year', month), region, product_type, industry, price_tier, brand
),

concentration AS (
    -- sum of squares in whole numbers, divided once
    SELECT
        year,
        region,
        product_type,
        industry,
        price_tier,
        CAST(sum(units * units) AS DOUBLE) / nullif(CAST(sum(units) AS DOUBLE) * CAST(sum(units) AS DOUBLE), 0) AS hhi
    FROM brand_year
    GROUP BY year, region, product_type, industry, price_tier
),

covered_month AS (
    -- complete months with the same month one and three years before (domain.md, section 1, "Periods")
    SELECT
        month,
        year,
        CAST(month - INTERVAL '1 year' AS DATE) AS month_a_year_before,
        CAST(month - INTERVAL '3 years' AS DATE) AS month_three_years_before
    FROM core.month
    WHERE is_registration_complete
),

coverage AS (
    -- a growth needs every one of the earlier months
    SELECT
        covered_month.year,
        count(*) AS months_covered,
        count(*) = count(a_year_before.month) AS has_year_before,
        count(*) = count(three_years_before.month) AS has_three_years_before
    FROM covered_month
    LEFT JOIN covered_month AS a_year_before ON a_year_before.month = covered_month.month_a_year_before
    LEFT JOIN covered_month AS three_years_before ON three_years_before.month = covered_month.month_three_years_before
    GROUP BY covered_month.year
),

-- the year is taken from the month of the registration, so that a year depends on the months of its own three years alone
covered_units AS (
    SELECT
        CAST(date_part('year', segment.month) AS INT) AS year,
        segment.region,
        segment.product_type,
        segment.industry,
        segment.price_tier,
        sum(segment.market_units) AS units
    FROM segment_month AS segment
    JOIN covered_month ON covered_month.month = segment.month
    GROUP BY date_part('year', segment.month), segment.region, segment.product_type, segment.industry, segment.price_tier
),

units_a_year_before AS (
    SELECT
        CAST(date_part('year', segment.month) + 1 AS INT) AS year,
        segment.region,
        segment.product_type,
        segment.industry,
        segment.price_tier,
        sum(segment.market_units) AS units
    FROM segment_month AS segment
    JOIN covered_month ON covered_month.month_a_year_before = segment.month
    GROUP BY date_part('year', segment.month) + 1, segment.region, segment.product_type, segment.industry, segment.price_tier
),

units_three_years_before AS (
    SELECT
        CAST(date_part('year', segment.month) + 3 AS INT) AS year,
        segment.region,
        segment.product_type,
        segment.industry,
        segment.price_tier,
        sum(segment.market_units) AS units
    FROM segment_month AS segment
    JOIN covered_month ON covered_month.month_three_years_before = segment.month
    GROUP BY date_part('year', segment.month) + 3, segment.region, segment.product_type, segment.industry, segment.price_tier
),

region_country AS (
    SELECT
        region,
        CASE WHEN count(DISTINCT country) = 1 THEN min(country) ELSE 'several' END AS country
    FROM core.region
    GROUP BY region
),

machine_dealer_year AS (
    -- dealers with a machine line ordered in the year
    SELECT DISTINCT
        CAST(date_part('year', order_month) AS INT) AS year,
        dealer
    FROM core.sales
    WHERE line_kind = 'machine' AND dealer <> 'unknown'
),

reached_region_year AS (
    -- domain.md, section 4: a dealer of the region, not left by year end, with a machine line that year
    SELECT DISTINCT
        machine_dealer_year.year,
        dealer.region
    FROM machine_dealer_year
    JOIN core.dealer AS dealer ON dealer.dealer_code = machine_dealer_year.dealer
    WHERE dealer.region <> 'unknown'
        AND (
            dealer.left_date IS NULL
            OR dealer.left_date > make_date(machine_dealer_year.year, 12, 31)
            -- one that left before it joined came back
            OR dealer.left_date < dealer.joined_date
        )
),

year_policy AS (
    -- the policy in force on 31 December
    SELECT
        market_year.year,
        max(CASE WHEN policy.key = 'segment.market.sufficient_units' THEN policy.value END) AS sufficient_units,
        max(CASE WHEN policy.key = 'segment.market.sufficient_growth' THEN policy.value END) AS sufficient_growth
    FROM (SELECT DISTINCT year FROM segment_year) AS market_year
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over two policies
        ON in_force(policy.valid_from, policy.valid_to, make_date(market_year.year, 12, 31))
    WHERE policy.key IN ('segment.market.sufficient_units', 'segment.market.sufficient_growth')
    GROUP BY market_year.year
),

measured_segment AS (
    SELECT
        segment.year,
        segment.region,
        segment.product_type,
        segment.industry,
        segment.price_tier,
        segment.industry_group,
        segment.market_units,
        segment.own_units,
        CAST(segment.own_units AS DOUBLE) / nullif(segment.market_units, 0) AS own_share,
        CASE WHEN coverage.has_year_before THEN coalesce(before.units, 0) END AS prior_market_units,
        CASE WHEN coverage.has_year_before
            THEN CAST(coalesce(covered.units, 0) AS DOUBLE) / nullif(before.units, 0) - 1
        END AS market_growth,
        CASE WHEN coverage.has_three_years_before
            THEN power(CAST(coalesce(covered.units, 0) AS DOUBLE) / nullif(base.units, 0), CAST(1 AS DOUBLE) / 3) - 1
        END AS market_cagr_3y,
        concentration.hhi,
        segment.priced_amount / nullif(segment.priced_units, 0) AS average_price,
        coalesce(coverage.months_covered, 0) AS months_covered,
        coalesce(covered.units, 0) AS covered_market_units,
        segment.region <> 'unknown' AND segment.product_type <> 'unknown' AND segment.industry <> 'unknown'
            AND segment.price_tier <> 'unknown' AS is_known
    FROM segment_year AS segment
    LEFT JOIN coverage ON coverage.year = segment.year
    LEFT JOIN concentration
        ON concentration.year = segment.year
        AND concentration.region = segment.region
        AND concentration.product_type = segment.product_type
        AND concentration.industry = segment.industry
        AND concentration.price_tier = segment.price_tier
    LEFT JOIN covered_units AS covered
        ON covered.year = segment.year
        AND covered.region = segment.region
        AND covered.product_type = segment.product_type
        AND covered.industry = segment.industry
        AND covered.price_tier = segment.price_tier
    LEFT JOIN units_a_year_before AS before
        ON before.year = segment.year
        AND before.region = segment.region
        AND before.product_type = segment.product_type
        AND before.industry = segment.industry
        AND before.price_tier = segment.price_tier
    LEFT JOIN units_three_years_before AS base
        ON base.year = segment.year
        AND base.region = segment.region
        AND base.product_type = segment.product_type
        AND base.industry = segment.industry
        AND base.price_tier = segment.price_tier
)

SELECT
    segment.year,
    segment.region,
    segment.product_type,
    segment.industry,
    segment.price_tier,
    coalesce(region_country.country, 'unknown') AS country,
    segment.industry_group,
    segment.market_units,
    segment.own_units,
    segment.own_share,
    segment.prior_market_units,
    segment.market_growth,
    segment.market_cagr_3y,
    segment.hhi,
    segment.average_price,
    segment.market_units IS NOT NULL AND segment.average_price IS NOT NULL AS is_measurable,
    segment.market_units >= year_policy.sufficient_units
        AND round(segment.market_growth, 12) >= round(year_policy.sufficient_growth, 12) AS is_sufficient,
    reached_region_year.region IS NOT NULL AS is_reachable,
    segment.months_covered,
    segment.covered_market_units,
    segment.is_known
FROM measured_segment AS segment
LEFT JOIN region_country ON region_country.region = segment.region
LEFT JOIN reached_region_year ON reached_region_year.year = segment.year AND reached_region_year.region = segment.region
LEFT JOIN year_policy ON year_policy.year = segment.year
