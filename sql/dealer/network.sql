/* ---
description: >
  How the network of dealers grows, by year, from the year in which the first dealer joined to run_date's. The
  reference is taken as delivered and has no event date: the running year is counted as of its last day, like every
  other. A dealer is active at the end of a year when it had joined by then and had not left by then; one whose leaving
  lies before its joining has come back and is active from the joining on. Five years are counted from the joining to
  the last day of the year.
owner: dealer-development
key: [year]
columns:
  year: { type: int, title: { zh: 年份, en: Year }, description: Year. }
  active_count: { type: bigint, unit: dealers, title: { zh: 在网数, en: Active }, description: Joined by the year's end and not left by it. }
  joined_count: { type: bigint, unit: dealers, title: { zh: 新加盟数, en: Joined }, description: Joined in the year. }
  left_count: { type: bigint, unit: dealers, title: { zh: 退出数, en: Left }, description: Left in the year. }
  tenure_5y_count: { type: bigint, unit: dealers, title: { zh: 满五年数, en: Five years and more }, description: Active ones that joined five years ago or earlier. }
checks:
  - not_null: [year, active_count, joined_count, left_count, tenure_5y_count]
  - expr: tenure_5y_count between 0 and active_count
  - expr: joined_count >= 0 and left_count >= 0
  - expr: (SELECT coalesce(sum(joined_count), 0) FROM dealer.network) = (SELECT count(*) FROM core.dealer WHERE dealer_code <> 'unknown' AND date_part('year', joined_date) <= (SELECT coalesce(max(year), 0) FROM dealer.network))
    name: every_dealer_joined_once
--- */
WITH dealer AS (
    SELECT
        dealer_code,
        joined_date,
        left_date,
        -- a dealer that left before it joined came back
        CASE WHEN left_date >= joined_date THEN left_date END AS last_left_date
    FROM core.dealer
    WHERE dealer_code <> 'unknown'
),

first_year AS (
    SELECT date_trunc('year', min(joined_date)) AS day FROM dealer
),

listed_year AS (
    SELECT
        unnest(generate_series(CAST(day AS DATE), CAST(date_trunc('year', $run_date) AS DATE), INTERVAL '1 year')) AS first_date
    FROM first_year
),

ended_year AS (
    SELECT
        first_date,
        CAST(first_date + INTERVAL '1 year' - INTERVAL '1 day' AS DATE) AS last_date
    FROM listed_year
)

SELECT
    CAST(date_part('year', year.first_date) AS INT) AS year,
    count(*) FILTER (WHERE dealer.joined_date <= year.last_date AND (dealer.last_left_date IS NULL OR dealer.last_left_date > year.last_date))
        AS active_count,
    count(*) FILTER (WHERE dealer.joined_date BETWEEN year.first_date AND year.last_date) AS joined_count,
    count(*) FILTER (WHERE dealer.left_date BETWEEN year.first_date AND year.last_date) AS left_count,
    count(*) FILTER (
        WHERE dealer.joined_date <= year.last_date - INTERVAL '5 years'
            AND (dealer.last_left_date IS NULL OR dealer.last_left_date > year.last_date)
    ) AS tenure_5y_count
FROM ended_year AS year
CROSS JOIN dealer
GROUP BY year.first_date
