/* ---
description: >
  The nine boxes: how attractive each segment was in the latest complete year by registrations, how strong we were
  there, and what to do. The components of both scores are scaled from 0 to 1 over the known segments of the year; one
  that is not known is left out and the weights of the others take its place. Segments with an unknown region, product
  type or industry have measures, but neither scores nor advice. The own margin rate is margin of revenue over the
  year's order lines of the segment that are no returns and whose cost is known. The relative share is own units over
  those of the largest brand with the role competitor or benchmark, NULL where none sold a unit. Strategic fit, weights,
  limits and advice are those in force at the end of the year. is_target needs all its parts; one that is not known
  leaves it NULL unless another says no.
owner: market-research
key: [region, product_type, industry]
columns:
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  industry: { type: string, title: { zh: 行业, en: Industry }, description: Industry. }
  market_units: { type: bigint, unit: units, title: { zh: 市场容量, en: Market units }, description: Capacity of the segment. }
  market_growth: { type: double, unit: ratio, title: { zh: 市场增长率, en: Market growth }, description: Growth against the year before. }
  own_margin_rate: { type: double, unit: share, title: { zh: 自有毛利率, en: Own margin rate }, description: Margin of revenue. }
  dispersion_index: { type: double, unit: index 0..1, title: { zh: 分散度, en: Dispersion }, description: 1 less HHI. }
  strategic_fit: { type: double, unit: 0..1, title: { zh: 战略契合度, en: Strategic fit }, description: As the reference says. }
  attractiveness_score: { type: double, unit: score 0..1, title: { zh: 吸引力得分, en: Attractiveness score }, description: Weighted mean of the five components. }
  own_share: { type: double, unit: share, title: { zh: 市场占有率, en: Own share }, description: Own units of market units. }
  relative_share: { type: double, unit: ratio, title: { zh: 相对份额, en: Relative share }, description: Own units over those of the largest competitor. }
  strength_score: { type: double, unit: score 0..1, title: { zh: 竞争力得分, en: Strength score }, description: Weighted mean of the two components. }
  attractiveness_cell: { type: string, title: { zh: 吸引力等级, en: Attractiveness }, description: "low, medium or high." }
  strength_cell: { type: string, title: { zh: 竞争力等级, en: Strength }, description: "low, medium or high." }
  advice: { type: string, title: { zh: 建议, en: Advice }, description: Advice of the box. }
  is_target: { type: boolean, title: { zh: 是否目标市场, en: Is target }, description: "To invest in, sufficient, measurable and reachable." }
  year: { type: int, title: { zh: 年份, en: Year }, description: The latest complete year. }
  is_sufficient: { type: boolean, title: { zh: 足够大, en: Is sufficient }, description: As in segment.market. }
  is_measurable: { type: boolean, title: { zh: 可衡量, en: Is measurable }, description: As in segment.market. }
  is_reachable: { type: boolean, title: { zh: 可进入, en: Is reachable }, description: As in segment.market. }
checks:
  - not_null: [region, product_type, industry, market_units, year]
  - expr: attractiveness_score between 0 and 1 and strength_score between 0 and 1
  - accepted_values: { column: attractiveness_cell, values: [low, medium, high] }
  - accepted_values: { column: strength_cell, values: [low, medium, high] }
  - expr: (attractiveness_score is null) = (attractiveness_cell is null) and (strength_score is null) = (strength_cell is null)
  - expr: advice is not null
    where: attractiveness_cell is not null and strength_cell is not null
    name: every_box_has_advice
  - expr: attractiveness_score is null and strength_score is null
    where: region = 'unknown' or product_type = 'unknown' or industry = 'unknown'
    name: unknown_is_not_scored
  - expr: advice = 'invest' and is_sufficient and is_measurable and is_reachable
    where: is_target
    name: a_target_has_all_parts
  - expr: relative_share >= 0 and dispersion_index between -0.000000000001 and 1
--- */
WITH judged_segment AS (
    SELECT market.*
    FROM segment.market AS market
    JOIN core.latest_period AS latest_period ON latest_period.registration_year = market.year
),

competitor_year AS (
    SELECT
        CAST(date_part('year', line.month) AS INT) AS year,
        line.region,
        line.product_type,
        line.industry,
        line.brand,
        sum(line.units) AS units
    FROM core.registration AS line
    JOIN core.brand AS brand ON brand.brand = line.brand
    WHERE brand.role IN ('competitor', 'benchmark')
    GROUP BY date_part('year', line.month), line.region, line.product_type, line.industry, line.brand
),

largest_competitor AS (
    SELECT year, region, product_type, industry, max(units) AS units
    FROM competitor_year
    GROUP BY year, region, product_type, industry
),

judged_month AS (
    SELECT
        registration_year AS year,
        unnest(generate_series(make_date(registration_year, 1, 1), make_date(registration_year, 12, 1), INTERVAL '1 month')) AS month
    FROM core.latest_period
),

own_margin AS (
    -- domain.md, section 1, "Units and money": rates over lines that are no returns
    SELECT
        judged_month.year,
        line.region,
        line.product_type,
        line.industry,
        CAST(sum(line.margin) AS DOUBLE) / nullif(CAST(sum(line.revenue) AS DOUBLE), 0) AS margin_rate
    FROM core.sales AS line
    JOIN judged_month ON judged_month.month = line.order_month
    WHERE NOT line.is_return AND line.margin IS NOT NULL
    GROUP BY judged_month.year, line.region, line.product_type, line.industry
),

measured_segment AS (
    SELECT
        segment.year,
        segment.region,
        segment.product_type,
        segment.industry,
        segment.market_units,
        segment.market_growth,
        own_margin.margin_rate AS own_margin_rate,
        1 - segment.hhi AS dispersion_index,
        policy.strategic_fit,
        segment.own_share,
        CAST(segment.own_units AS DOUBLE) / nullif(largest_competitor.units, 0) AS relative_share,
        segment.is_sufficient,
        segment.is_measurable,
        segment.is_reachable
    FROM judged_segment AS segment
    LEFT JOIN own_margin
        ON own_margin.year = segment.year
        AND own_margin.region = segment.region
        AND own_margin.product_type = segment.product_type
        AND own_margin.industry = segment.industry
    LEFT JOIN largest_competitor
        ON largest_competitor.year = segment.year
        AND largest_competitor.region = segment.region
        AND largest_competitor.product_type = segment.product_type
        AND largest_competitor.industry = segment.industry
    LEFT JOIN core.segment_policy AS policy
        ON policy.region = segment.region
        AND policy.product_type = segment.product_type
        AND policy.industry = segment.industry
        AND in_force(policy.valid_from, policy.valid_to, make_date(segment.year, 12, 31))
),

component AS (
    -- one row for each component of a known segment, named as its weight in the policy
    SELECT
        year,
        region,
        product_type,
        industry,
        unnest(['attractiveness', 'attractiveness', 'attractiveness', 'attractiveness', 'attractiveness', 'strength', 'strength']) AS score,
        unnest(['capacity', 'growth', 'margin', 'dispersion', 'strategic_fit', 'own_share', 'relative_share']) AS name,
        unnest([
            CAST(market_units AS DOUBLE),
            market_growth,
            own_margin_rate,
            dispersion_index,
            strategic_fit,
            own_share,
            relative_share
        ]) AS value
    FROM measured_segment
    WHERE region <> 'unknown' AND product_type <> 'unknown' AND industry <> 'unknown'
),

scaled_component AS (
    SELECT
        *,
        min_max_score(
            value,
            min(value) OVER (PARTITION BY score, name),
            max(value) OVER (PARTITION BY score, name)
        ) AS scaled_value
    FROM component
),

weighted_score AS (
    -- a component that is not known is left out, and so is its weight
    SELECT
        component.region,
        component.product_type,
        component.industry,
        exact_sum(CASE WHEN component.score = 'attractiveness' THEN weight.value * component.scaled_value END)
            / nullif(exact_sum(CASE WHEN component.score = 'attractiveness' THEN weight.value END), 0) AS attractiveness_score,
        exact_sum(CASE WHEN component.score = 'strength' THEN weight.value * component.scaled_value END)
            / nullif(exact_sum(CASE WHEN component.score = 'strength' THEN weight.value END), 0) AS strength_score
    FROM scaled_component AS component
    JOIN core.policy AS weight
        ON weight.key = 'segment.' || component.score || '.weight_' || component.name
        AND in_force(weight.valid_from, weight.valid_to, make_date(component.year, 12, 31))
    WHERE component.scaled_value IS NOT NULL
    GROUP BY component.region, component.product_type, component.industry
),

cell_limit AS (
    SELECT
        max(CASE WHEN policy.key = 'segment.attractiveness.cell_low_below' THEN policy.value END) AS low_below,
        max(CASE WHEN policy.key = 'segment.attractiveness.cell_medium_below' THEN policy.value END) AS medium_below
    FROM core.latest_period AS latest_period
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over two policies
        ON in_force(policy.valid_from, policy.valid_to, make_date(latest_period.registration_year, 12, 31))
    WHERE policy.key LIKE 'segment.attractiveness.cell_%'
),

boxed_segment AS (
    SELECT
        score.*,
        CASE
            WHEN round(score.attractiveness_score, 12) < round(cell_limit.low_below, 12) THEN 'low'
            WHEN round(score.attractiveness_score, 12) < round(cell_limit.medium_below, 12) THEN 'medium'
            WHEN score.attractiveness_score IS NOT NULL THEN 'high'
        END AS attractiveness_cell,
        CASE
            WHEN round(score.strength_score, 12) < round(cell_limit.low_below, 12) THEN 'low'
            WHEN round(score.strength_score, 12) < round(cell_limit.medium_below, 12) THEN 'medium'
            WHEN score.strength_score IS NOT NULL THEN 'high'
        END AS strength_cell
    FROM weighted_score AS score
    CROSS JOIN cell_limit
)

SELECT
    segment.region,
    segment.product_type,
    segment.industry,
    segment.market_units,
    segment.market_growth,
    segment.own_margin_rate,
    segment.dispersion_index,
    segment.strategic_fit,
    boxed.attractiveness_score,
    segment.own_share,
    segment.relative_share,
    boxed.strength_score,
    boxed.attractiveness_cell,
    boxed.strength_cell,
    advice.advice,
    advice.advice = 'invest' AND segment.is_sufficient AND segment.is_measurable AND segment.is_reachable AS is_target,
    segment.year,
    segment.is_sufficient,
    segment.is_measurable,
    segment.is_reachable
FROM measured_segment AS segment
LEFT JOIN boxed_segment AS boxed
    ON boxed.region = segment.region
    AND boxed.product_type = segment.product_type
    AND boxed.industry = segment.industry
LEFT JOIN staged.advice AS advice
    ON advice.attractiveness_cell = boxed.attractiveness_cell
    AND advice.strength_cell = boxed.strength_cell
