-- domain.md, section 8: active at a year's end is who had joined by it and had not left by it.
WITH dealer AS (
    SELECT dealer_code, joined_date, left_date
    FROM core.dealer
    WHERE dealer_code <> 'unknown'
),
year_end AS (
    SELECT year, make_date(year, 12, 31) AS day
    FROM range((SELECT min(year(joined_date)) FROM dealer), year(getvariable('run_date')) + 1) AS listed (year)
)
SELECT
    year_end.year::INTEGER AS year,
    count(*) FILTER (joined_date <= day AND (left_date IS NULL OR left_date > day OR left_date < joined_date)) AS active_count,
    count(*) FILTER (year(joined_date) = year) AS joined_count,
    count(*) FILTER (year(left_date) = year) AS left_count,
    count(*) FILTER (joined_date <= day AND (left_date IS NULL OR left_date > day OR left_date < joined_date)
        AND joined_date + INTERVAL 5 YEAR <= day) AS tenure_5y_count
FROM year_end CROSS JOIN dealer
GROUP BY year_end.year
