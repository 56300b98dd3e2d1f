-- domain.md, section 7: hours of visits that the accounts ask for against those of the sellers that generate revenue.
WITH quarter_of AS (
    SELECT
        quarter,
        (quarter + INTERVAL 3 MONTH - INTERVAL 1 DAY)::DATE AS last_date,
        max(month) FILTER (is_order_complete) AS last_month
    FROM core.month
    WHERE quarter >= (SELECT min(quarter) FROM core.month WHERE is_order_complete)
    GROUP BY quarter
),
graded_quarter AS (
    -- a quarter without a complete month has the grades of the latest one before it
    SELECT quarter, last_date, coalesce(last_month, max(last_month) OVER (ORDER BY quarter)) AS last_month FROM quarter_of
),
grade AS (
    SELECT quarter.quarter, monthly.customer_id, monthly.revenue_grade
    FROM graded_quarter AS quarter JOIN customer.monthly_grade AS monthly ON monthly.month = quarter.last_month
),
counted AS (
    SELECT
        account.region,
        quarter.quarter,
        count(*) FILTER (grade.revenue_grade = 'A') AS grade_a_count,
        count(*) FILTER (grade.revenue_grade = 'B') AS grade_b_count,
        count(*) FILTER (coalesce(grade.revenue_grade, 'C') = 'C') AS grade_c_count
    FROM core.account AS account
    CROSS JOIN graded_quarter AS quarter
    LEFT JOIN grade ON grade.quarter = quarter.quarter AND grade.customer_id = account.customer_id AND account.customer_id <> 'unknown'
    GROUP BY account.region, quarter.quarter
),
diary AS (
    SELECT DISTINCT region, quarter, seller_count, revenue_generating_share FROM sales.time_use
),
place AS (
    SELECT region, quarter FROM counted UNION SELECT region, quarter FROM diary JOIN graded_quarter USING (quarter)
),
policy AS (
    SELECT
        quarter.quarter,
        max(value) FILTER (key LIKE '%visits_grade_a') * max(value) FILTER (key LIKE '%minutes_grade_a') AS a_minutes,
        max(value) FILTER (key LIKE '%visits_grade_b') * max(value) FILTER (key LIKE '%minutes_grade_b') AS b_minutes,
        max(value) FILTER (key LIKE '%visits_grade_c') * max(value) FILTER (key LIKE '%minutes_grade_c') AS c_minutes,
        max(value) FILTER (key LIKE '%available_hours') AS seller_hours
    FROM graded_quarter AS quarter
    JOIN core.policy ON key LIKE 'sales.capacity.%' AND valid_from <= last_date AND coalesce(valid_to > last_date, TRUE)
    GROUP BY quarter.quarter
),
measured AS (
    SELECT
        region,
        quarter,
        (coalesce(grade_a_count, 0) * a_minutes + coalesce(grade_b_count, 0) * b_minutes + coalesce(grade_c_count, 0) * c_minutes) / 60
            AS required_hours,
        seller_hours,
        coalesce(seller_count, 0) AS seller_count,
        revenue_generating_share,
        coalesce(grade_a_count, 0) AS grade_a_count,
        coalesce(grade_b_count, 0) AS grade_b_count,
        coalesce(grade_c_count, 0) AS grade_c_count
    FROM place
    LEFT JOIN counted USING (region, quarter)
    LEFT JOIN diary USING (region, quarter)
    LEFT JOIN policy USING (quarter)
)
SELECT
    region,
    quarter,
    required_hours,
    coalesce(seller_hours * seller_count * revenue_generating_share, 0) AS available_hours,
    required_hours / nullif(seller_hours * revenue_generating_share, 0) AS sellers_needed,
    required_hours / nullif(seller_hours * revenue_generating_share, 0) - seller_count AS gap_sellers,
    seller_count,
    revenue_generating_share,
    grade_a_count,
    grade_b_count,
    grade_c_count
FROM measured
