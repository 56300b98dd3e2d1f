/* ---
description: >
  Each day of each country that the holiday table names, over the whole years of that table (from the first year in
  it to the last, the same for all countries). A day is a working day where its holiday row says so (a make-up day)
  or, without a row, from Monday to Friday. `working_day_number` counts the working days of the country from the
  first day of the table; a day that is none carries the number of the last one before it, so that the n-th working
  day after a day is the one numbered n higher.
owner: data-platform
key: [country, day]
columns:
  day: { type: date, title: { zh: 日期, en: Day }, description: Calendar day. }
  country: { type: string, title: { zh: 国家, en: Country }, description: Country as the holiday table names it. }
  is_working_day: { type: boolean, title: { zh: 是否工作日, en: Is working day }, description: People work on this day. }
  working_day_number: { type: bigint, title: { zh: 工作日序号, en: Working day number }, description: Working days from the first day up to this one. }
  holiday_name: { type: string, title: { zh: 节假日, en: Holiday }, description: "Name of the holiday or of the make-up day's holiday." }
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the month. }
  year: { type: int, title: { zh: 年份, en: Year }, description: Year. }
checks:
  - not_null: [day, country, is_working_day, working_day_number, month, year]
  - unique: [country, day]
  - expr: working_day_number >= 0
--- */
WITH covered_span AS (
    -- whole years: from 1 January of the first year to 31 December of the last
    SELECT
        CAST(date_trunc('year', min(day)) AS DATE) AS first_day,
        CAST(date_trunc('year', max(day)) + INTERVAL '1 year' - INTERVAL '1 day' AS DATE) AS last_day
    FROM staged.holiday
),

covered_day AS (
    SELECT unnest(generate_series(first_day, last_day, INTERVAL '1 day')) AS day FROM covered_span
),

covered_country AS (
    SELECT DISTINCT country FROM staged.holiday
),

judged_day AS (
    SELECT
        covered_day.day,
        covered_country.country,
        -- the holiday table decides, else the weekend: 6 is Saturday, 7 is Sunday
        coalesce(holiday.is_working, date_part('isodow', covered_day.day) NOT IN (6, 7)) AS is_working_day,
        holiday.name AS holiday_name
    FROM covered_day
    CROSS JOIN covered_country
    LEFT JOIN staged.holiday AS holiday
        ON holiday.day = covered_day.day AND holiday.country = covered_country.country
)

SELECT
    day,
    country,
    is_working_day,
    CAST(sum(CASE WHEN is_working_day THEN 1 ELSE 0 END) OVER (PARTITION BY country ORDER BY day) AS BIGINT)
        AS working_day_number,
    holiday_name,
    CAST(date_trunc('month', day) AS DATE) AS month,
    CAST(date_part('year', day) AS INT) AS year
FROM judged_day
