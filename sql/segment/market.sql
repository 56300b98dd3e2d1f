/* ---
description: >
  Size, growth, concentration and reach of every market segment and year. Units are all registrations of the year up
  to run_date; growth and the three-year rate compare complete months only, against the same months of the earlier
  year, and are NULL where one of those months has no registrations at all. prior_market_units counts those same
  months. HHI takes the brands that no reference names as one brand. is_measurable: both units and a price are
  known. is_sufficient is NULL where the units suffice and the growth is not known. A dealer of the region sold
  machines when it has a machine line (no return) ordered in the year; a segment of the region `unknown` has no
  dealer. Segments with an unknown region, product type or industry are not ranked. A region of several countries
  carries the country `several`.
owner: market-research
key: [year, region, product_type, industry]
partition_by: [year]
tags: [annual]
columns:
  year: { type: int, title: { zh: 年份, en: Year }, description: Year of registration. }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  industry: { type: string, title: { zh: 行业, en: Industry }, description: Industry. }
  country: { type: string, title: { zh: 国家, en: Country }, description: Country of the region. }
  industry_group: { type: string, title: { zh: 行业大类, en: Industry group }, description: Upper level of the industry. }
  market_units: { type: bigint, unit: units, title: { zh: 市场容量, en: Market units }, description: Registered units of all brands. }
  own_units: { type: bigint, unit: units, title: { zh: 自有销量, en: Own units }, description: Registered units of own brands. }
  own_share: { type: double, unit: share, title: { zh: 市场占有率, en: Own share }, description: Own units of market units. }
  prior_market_units: { type: bigint, unit: units, title: { zh: 上年同期容量, en: Prior market units }, description: "Market units of the year before, in the months covered." }
  market_growth: { type: double, unit: ratio, title: { zh: 市场增长率, en: Market growth }, description: Growth against the same months of the year before. }
  market_cagr_3y: { type: double, unit: ratio, title: { zh: 三年复合增长率, en: Three-year growth rate }, description: Yearly rate against the same months three years before. }
  hhi: { type: double, unit: index 0..1, title: { zh: 集中度, en: HHI }, description: Sum of the squared shares of the brands. }
  capacity_rank: { type: bigint, title: { zh: 容量排名, en: Capacity rank }, description: Rank by market units within the year. }
  average_price: { type: double, unit: reporting currency, title: { zh: 市场均价, en: Average price }, description: Units-weighted average price of the priced units. }
  is_measurable: { type: boolean, title: { zh: 可衡量, en: Is measurable }, description: Units and price are known. }
  is_sufficient: { type: boolean, title: { zh: 足够大, en: Is sufficient }, description: Large enough and not shrinking. }
  is_reachable: { type: boolean, title: { zh: 可进入, en: Is reachable }, description: A dealer of the region that stays sold machines that year. }
  months_covered: { type: bigint, unit: months, title: { zh: 覆盖月数, en: Months covered }, description: Complete months of the year. }
  covered_market_units: { type: bigint, unit: units, title: { zh: 可比容量, en: Covered market units }, description: "Market units in the months covered: what growth compares." }
checks:
  - not_null: [year, region, product_type, industry, country, industry_group, market_units, own_units, is_measurable, is_reachable, months_covered]
  - unique: [year, region, product_type, industry]
  - expr: own_units between 0 and market_units
  - expr: own_share between 0 and 1
  - expr: hhi > 0 and hhi <= 1.000000000001
  - expr: months_covered between 0 and 12
  - expr: covered_market_units <= market_units
  - expr: is_sufficient is not null or market_growth is null
  - expr: market_growth >= -1 and market_cagr_3y >= -1
  - expr: capacity_rank is null
    where: region = 'unknown' or product_type = 'unknown' or industry = 'unknown'
    name: unknown_is_not_ranked
  - relationships: { column: industry, to: core.industry, field: industry }
--- */
WITH segment_month AS (
    SELECT
        month,
        region,
        product_type,
        industry,
        sum(units) AS market_units
    FROM core.registration
    GROUP BY month, region, product_type, industry
),

segment_year AS (
    SELECT
        CAST(date_part('year', month) AS INT) AS year,
        region,
        product_type,
        industry,
        min(industry_group) AS industry_group,
        sum(units) AS market_units,
        sum(CASE WHEN is_own THEN units ELSE 0 END) AS own_units,
        sum(CASE WHEN average_price IS NOT NULL THEN units END) AS priced_units,
        sum(CAST(average_price AS DECIMAL(18, 4)) * units) AS priced_amount
    FROM core.registration
    GROUP BY date_part('year', month), region, product_type, industry
),

brand_year AS (
    SELECT
        CAST(date_part('year', month) AS INT) AS year,
        region,
        product_type,
        industry,
        brand,
        sum(units) AS units
    FROM core.registration
    GROUP BY date_part('year', month), region, product_type, industry, brand
),

concentration AS (
    -- sum of squares in whole numbers, divided once
    SELECT
        year,
        region,
        product_type,
        industry,
        CAST(sum(units * units) AS DOUBLE) / nullif(CAST(sum(units) AS DOUBLE) * CAST(sum(units) AS DOUBLE), 0) AS hhi
    FROM brand_year
    GROUP BY year, region, product_type, industry
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
        sum(segment.market_units) AS units
    FROM segment_month AS segment
    JOIN covered_month ON covered_month.month = segment.month
    GROUP BY date_part('year', segment.month), segment.region, segment.product_type, segment.industry
),

units_a_year_before AS (
    SELECT
        CAST(date_part('year', segment.month) + 1 AS INT) AS year,
        segment.region,
        segment.product_type,
        segment.industry,
        sum(segment.market_units) AS units
    FROM segment_month AS segment
    JOIN covered_month ON covered_month.month_a_year_before = segment.month
    GROUP BY date_part('year', segment.month) + 1, segment.region, segment.product_type, segment.industry
),

units_three_years_before AS (
    SELECT
        CAST(date_part('year', segment.month) + 3 AS INT) AS year,
        segment.region,
        segment.product_type,
        segment.industry,
        sum(segment.market_units) AS units
    FROM segment_month AS segment
    JOIN covered_month ON covered_month.month_three_years_before = segment.month
    GROUP BY date_part('year', segment.month) + 3, segment.region, segment.product_type, segment.industry
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
        AND (dealer.left_date IS NULL OR dealer.left_date > make_date(machine_dealer_year.year, 12, 31))
),

year_policy AS (
    -- the policy in force on 31 December
    SELECT
        market_year.year,
        max(CASE WHEN policy.key = 'segment.market.sufficient_units' THEN policy.value END) AS sufficient_units,
        max(CASE WHEN policy.key = 'segment.market.sufficient_growth' THEN policy.value END) AS sufficient_growth
    FROM (SELECT DISTINCT year FROM segment_year) AS market_year
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over two policies
        ON policy.valid_from <= make_date(market_year.year, 12, 31)
        AND (policy.valid_to IS NULL OR policy.valid_to > make_date(market_year.year, 12, 31))
    WHERE policy.key IN ('segment.market.sufficient_units', 'segment.market.sufficient_growth')
    GROUP BY market_year.year
),

measured_segment AS (
    SELECT
        segment.year,
        segment.region,
        segment.product_type,
        segment.industry,
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
        CAST(segment.priced_amount AS DOUBLE) / nullif(segment.priced_units, 0) AS average_price,
        coalesce(coverage.months_covered, 0) AS months_covered,
        coalesce(covered.units, 0) AS covered_market_units,
        segment.region <> 'unknown' AND segment.product_type <> 'unknown' AND segment.industry <> 'unknown' AS is_known
    FROM segment_year AS segment
    LEFT JOIN coverage ON coverage.year = segment.year
    LEFT JOIN concentration
        ON concentration.year = segment.year
        AND concentration.region = segment.region
        AND concentration.product_type = segment.product_type
        AND concentration.industry = segment.industry
    LEFT JOIN covered_units AS covered
        ON covered.year = segment.year
        AND covered.region = segment.region
        AND covered.product_type = segment.product_type
        AND covered.industry = segment.industry
    LEFT JOIN units_a_year_before AS before
        ON before.year = segment.year
        AND before.region = segment.region
        AND before.product_type = segment.product_type
        AND before.industry = segment.industry
    LEFT JOIN units_three_years_before AS base
        ON base.year = segment.year
        AND base.region = segment.region
        AND base.product_type = segment.product_type
        AND base.industry = segment.industry
)

SELECT
    segment.year,
    segment.region,
    segment.product_type,
    segment.industry,
    coalesce(region_country.country, 'unknown') AS country,
    segment.industry_group,
    segment.market_units,
    segment.own_units,
    segment.own_share,
    segment.prior_market_units,
    segment.market_growth,
    segment.market_cagr_3y,
    segment.hhi,
    -- ranks leave the unknown members out
    CASE WHEN segment.is_known
        THEN CAST(rank() OVER (PARTITION BY segment.year, segment.is_known ORDER BY segment.market_units DESC NULLS LAST) AS BIGINT)
    END AS capacity_rank,
    segment.average_price,
    segment.market_units IS NOT NULL AND segment.average_price IS NOT NULL AS is_measurable,
    segment.market_units >= year_policy.sufficient_units
        AND round(segment.market_growth, 12) >= year_policy.sufficient_growth AS is_sufficient,
    reached_region_year.region IS NOT NULL AS is_reachable,
    segment.months_covered,
    segment.covered_market_units
FROM measured_segment AS segment
LEFT JOIN region_country ON region_country.region = segment.region
LEFT JOIN reached_region_year ON reached_region_year.year = segment.year AND reached_region_year.region = segment.region
LEFT JOIN year_policy ON year_policy.year = segment.year
