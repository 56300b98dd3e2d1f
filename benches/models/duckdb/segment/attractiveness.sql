-- domain.md, section 4: the nine boxes of the latest complete year. Components are min-maxed over the known segments.
WITH period AS (
    SELECT registration_year AS year, make_date(registration_year, 12, 31) AS last_date FROM core.latest_period WHERE registration_year IS NOT NULL
),
policy AS (
    SELECT key, value FROM core.policy, period WHERE valid_from <= last_date AND (valid_to IS NULL OR valid_to > last_date)
),
limits AS (
    SELECT max(value) FILTER (key = 'segment.attractiveness.weight_capacity') AS w_capacity,
        max(value) FILTER (key = 'segment.attractiveness.weight_growth') AS w_growth,
        max(value) FILTER (key = 'segment.attractiveness.weight_margin') AS w_margin,
        max(value) FILTER (key = 'segment.attractiveness.weight_dispersion') AS w_dispersion,
        max(value) FILTER (key = 'segment.attractiveness.weight_strategic_fit') AS w_fit,
        max(value) FILTER (key = 'segment.strength.weight_own_share') AS w_share,
        max(value) FILTER (key = 'segment.strength.weight_relative_share') AS w_relative,
        max(value) FILTER (key = 'segment.attractiveness.cell_low_below') AS low_below,
        max(value) FILTER (key = 'segment.attractiveness.cell_medium_below') AS medium_below
    FROM policy
),
sold AS (
    SELECT region, product_type, industry, sum(margin)::DOUBLE / nullif(sum(revenue), 0)::DOUBLE AS own_margin_rate
    FROM core.sales, period
    WHERE year(order_date) = year AND NOT is_return AND margin IS NOT NULL
    GROUP BY ALL
),
brand_units AS (
    SELECT region, product_type, industry, brand, role, sum(units) AS units
    FROM core.registration JOIN period ON year(month) = year JOIN core.brand USING (brand)
    GROUP BY ALL
),
largest AS (
    SELECT region, product_type, industry, max(units) FILTER (role IN ('competitor', 'benchmark')) AS rival_units
    FROM brand_units
    GROUP BY ALL
),
measured AS (
    SELECT market.*, own_margin_rate, 1 - hhi AS dispersion_index, strategic_fit, own_units / nullif(rival_units, 0)::DOUBLE AS relative_share,
        'unknown' NOT IN (region, product_type, industry) AS is_known
    FROM segment.market AS market
    JOIN period USING (year)
    LEFT JOIN sold USING (region, product_type, industry)
    LEFT JOIN largest USING (region, product_type, industry)
    LEFT JOIN (
        SELECT region, product_type, industry, strategic_fit FROM core.segment_policy, period
        WHERE valid_from <= last_date AND (valid_to IS NULL OR valid_to > last_date)
    ) USING (region, product_type, industry)
),
spread AS (
    SELECT min(market_units) AS capacity_from, max(market_units) AS capacity_to, min(market_growth) AS growth_from, max(market_growth) AS growth_to,
        min(own_margin_rate) AS margin_from, max(own_margin_rate) AS margin_to, min(dispersion_index) AS dispersion_from, max(dispersion_index) AS dispersion_to,
        min(strategic_fit) AS fit_from, max(strategic_fit) AS fit_to, min(own_share) AS share_from, max(own_share) AS share_to,
        min(relative_share) AS relative_from, max(relative_share) AS relative_to
    FROM measured
    WHERE is_known
),
scaled AS (
    SELECT measured.*,
        CASE WHEN market_units IS NULL THEN NULL WHEN capacity_from = capacity_to THEN 0.5::DOUBLE ELSE (market_units - capacity_from) / (capacity_to - capacity_from)::DOUBLE END AS capacity,
        CASE WHEN market_growth IS NULL THEN NULL WHEN growth_from = growth_to THEN 0.5::DOUBLE ELSE (market_growth - growth_from) / (growth_to - growth_from) END AS growth,
        CASE WHEN own_margin_rate IS NULL THEN NULL WHEN margin_from = margin_to THEN 0.5::DOUBLE ELSE (own_margin_rate - margin_from) / (margin_to - margin_from) END AS margin,
        CASE WHEN dispersion_index IS NULL THEN NULL WHEN dispersion_from = dispersion_to THEN 0.5::DOUBLE ELSE (dispersion_index - dispersion_from) / (dispersion_to - dispersion_from) END AS dispersion,
        CASE WHEN strategic_fit IS NULL THEN NULL WHEN fit_from = fit_to THEN 0.5::DOUBLE ELSE (strategic_fit - fit_from) / (fit_to - fit_from) END AS fit,
        CASE WHEN own_share IS NULL THEN NULL WHEN share_from = share_to THEN 0.5::DOUBLE ELSE (own_share - share_from) / (share_to - share_from) END AS share,
        CASE WHEN relative_share IS NULL THEN NULL WHEN relative_from = relative_to THEN 0.5::DOUBLE ELSE (relative_share - relative_from) / (relative_to - relative_from) END AS relative
    FROM measured, spread
),
scored AS (
    SELECT scaled.*, low_below, medium_below,
        CASE WHEN is_known THEN
            (coalesce(capacity * w_capacity, 0) + coalesce(growth * w_growth, 0) + coalesce(margin * w_margin, 0) + coalesce(dispersion * w_dispersion, 0) + coalesce(fit * w_fit, 0))
            / nullif(CASE WHEN capacity IS NULL THEN 0 ELSE w_capacity END + CASE WHEN growth IS NULL THEN 0 ELSE w_growth END + CASE WHEN margin IS NULL THEN 0 ELSE w_margin END
                + CASE WHEN dispersion IS NULL THEN 0 ELSE w_dispersion END + CASE WHEN fit IS NULL THEN 0 ELSE w_fit END, 0) END AS attractiveness_score,
        CASE WHEN is_known THEN
            (coalesce(share * w_share, 0) + coalesce(relative * w_relative, 0))
            / nullif(CASE WHEN share IS NULL THEN 0 ELSE w_share END + CASE WHEN relative IS NULL THEN 0 ELSE w_relative END, 0) END AS strength_score
    FROM scaled, limits
),
boxed AS (
    SELECT *,
        CASE WHEN attractiveness_score IS NULL THEN NULL WHEN round(attractiveness_score, 12) < round(low_below, 12) THEN 'low'
            WHEN round(attractiveness_score, 12) < round(medium_below, 12) THEN 'medium' ELSE 'high' END AS attractiveness_cell,
        CASE WHEN strength_score IS NULL THEN NULL WHEN round(strength_score, 12) < round(low_below, 12) THEN 'low'
            WHEN round(strength_score, 12) < round(medium_below, 12) THEN 'medium' ELSE 'high' END AS strength_cell
    FROM scored
)
SELECT region, product_type, industry, market_units, market_growth, own_margin_rate, dispersion_index, strategic_fit, attractiveness_score,
    own_share, relative_share, strength_score, attractiveness_cell, strength_cell, advice,
    advice = 'invest' AND is_sufficient AND is_measurable AND is_reachable AS is_target, year, is_sufficient, is_measurable, is_reachable
FROM boxed LEFT JOIN staged.advice USING (attractiveness_cell, strength_cell)
