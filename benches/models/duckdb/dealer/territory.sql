-- domain.md, section 8: machines sold (no returns) in regions that the dealer may not sell in.
WITH authorized AS (
    SELECT dealer_code AS dealer, list_filter(list_transform(string_split_regex(authorized_regions, '[;；]'), lambda one: trim(one)), lambda one: one <> '') AS regions
    FROM core.dealer
    WHERE dealer_code <> 'unknown'
),
summed AS (
    SELECT order_month AS month, dealer, sum(units)::BIGINT AS units,
        sum(units) FILTER (region <> 'unknown' AND NOT list_contains(regions, region))::BIGINT AS outside_units
    FROM core.sales LEFT JOIN authorized USING (dealer)
    WHERE NOT is_return AND line_kind = 'machine'
    GROUP BY order_month, dealer
),
listed AS (
    SELECT DISTINCT dealer, (month + to_months(n::INTEGER))::DATE AS month
    FROM summed CROSS JOIN range(24) AS later (n)
    WHERE month + to_months(n::INTEGER) <= getvariable('run_date')
)
SELECT
    month, dealer AS dealer_code,
    CASE WHEN len(regions) > 0 THEN coalesce(outside_units, 0) / nullif(units, 0)::DOUBLE END AS outside_share,
    CASE WHEN len(regions) > 0 THEN coalesce(outside_units, 0) END AS outside_units,
    coalesce(units, 0) AS units
FROM listed LEFT JOIN summed USING (month, dealer) LEFT JOIN authorized USING (dealer)
