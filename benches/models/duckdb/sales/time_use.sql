-- domain.md, section 7: hours by activity; a seller belongs to the region of most of its order lines.
WITH line_region AS (
    SELECT salesperson AS seller, region, count(*) AS line_count
    FROM core.sales
    WHERE NOT is_return AND region <> 'unknown' AND salesperson IS NOT NULL
    GROUP BY salesperson, region
),
seller_region AS (
    SELECT seller, region
    FROM line_region
    QUALIFY row_number() OVER (PARTITION BY seller ORDER BY line_count DESC, region) = 1
),
diary AS (
    SELECT coalesce(seller_region.region, 'unknown') AS region, diary.quarter, diary.seller, diary.activity, diary.minutes
    FROM core.seller_time AS diary LEFT JOIN seller_region USING (seller)
),
whole AS (
    SELECT
        region,
        quarter,
        sum(minutes) AS all_minutes,
        sum(minutes) FILTER (activity IN ('account_planning', 'face_to_face', 'quoting')) AS generating_minutes,
        count(DISTINCT seller) AS seller_count
    FROM diary
    GROUP BY region, quarter
),
spent AS (
    SELECT region, quarter, activity, sum(minutes) AS minutes FROM diary GROUP BY region, quarter, activity
),
policy AS (
    SELECT quarter, key, value
    FROM (SELECT DISTINCT quarter, (quarter + INTERVAL 3 MONTH - INTERVAL 1 DAY)::DATE AS last_date FROM core.seller_time) AS asked
    JOIN core.policy ON key LIKE 'sales.time_use.%' AND valid_from <= last_date AND coalesce(valid_to > last_date, TRUE)
),
benchmark AS (
    SELECT
        quarter,
        max(value) FILTER (key LIKE '%ordinary_from') AS ordinary_from_share,
        max(value) FILTER (key LIKE '%ordinary_to') AS ordinary_to_share,
        max(value) FILTER (key LIKE '%good_from') AS good_from_share,
        max(value) FILTER (key LIKE '%good_to') AS good_to_share
    FROM policy
    GROUP BY quarter
),
ideal AS (
    SELECT quarter, replace(key, 'sales.time_use.ideal.', '') AS activity, value AS ideal_share FROM policy WHERE key LIKE '%.ideal.%'
)
SELECT
    whole.region,
    whole.quarter,
    ideal.activity,
    coalesce(spent.minutes, 0)::DOUBLE / 60 AS hours,
    coalesce(spent.minutes, 0)::DOUBLE / nullif(whole.all_minutes, 0) AS share,
    ideal.ideal_share,
    ideal.activity IN ('account_planning', 'face_to_face', 'quoting') AS is_revenue_generating,
    coalesce(whole.generating_minutes, 0)::DOUBLE / nullif(whole.all_minutes, 0) AS revenue_generating_share,
    benchmark.ordinary_from_share,
    benchmark.ordinary_to_share,
    benchmark.good_from_share,
    benchmark.good_to_share,
    whole.seller_count
FROM whole
JOIN ideal ON ideal.quarter = whole.quarter
LEFT JOIN benchmark ON benchmark.quarter = whole.quarter
LEFT JOIN spent ON spent.region = whole.region AND spent.quarter = whole.quarter AND spent.activity = ideal.activity
