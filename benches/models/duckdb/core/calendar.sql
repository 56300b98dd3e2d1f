-- domain.md, section 3: day x country over the whole years of the holiday table.
WITH country AS (
    SELECT DISTINCT country FROM staged.holiday
),
day AS (
    SELECT unnest(generate_series(min(date_trunc('year', day)), max(date_trunc('year', day)) + INTERVAL 1 YEAR - INTERVAL 1 DAY, INTERVAL 1 DAY))::DATE AS day
    FROM staged.holiday
),
judged AS (
    SELECT day.day, country.country, coalesce(holiday.is_working, isodow(day.day) <= 5) AS is_working_day, holiday.name AS holiday_name
    FROM day
    CROSS JOIN country
    LEFT JOIN staged.holiday AS holiday ON holiday.day = day.day AND holiday.country = country.country
)
SELECT
    day,
    country,
    is_working_day,
    (count(*) FILTER (WHERE is_working_day) OVER (PARTITION BY country ORDER BY day)) AS working_day_number,
    holiday_name,
    date_trunc('month', day)::DATE AS month,
    year(day)::INT AS year
FROM judged
