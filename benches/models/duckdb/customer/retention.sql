-- domain.md, section 6: the states of customer.churn worked out anew on the eve and on the last day of each complete quarter.
WITH quarter AS (
    SELECT quarter, quarter - 1 AS eve, max(last_date) AS last_date
    FROM core.month
    GROUP BY quarter
    HAVING count(*) FILTER (WHERE is_order_complete) = 3
),
limited AS (
    SELECT
        quarter.quarter,
        quarter.eve,
        quarter.last_date,
        max(policy.value) FILTER (WHERE policy.key = 'customer.churn.lost_factor') AS lost_factor,
        max(policy.value) FILTER (WHERE policy.key = 'customer.churn.lost_days') AS lost_days,
        max(policy.value) FILTER (WHERE policy.key = 'customer.churn.won_back_days')::INT AS won_back_days
    FROM quarter
    JOIN core.policy AS policy ON quarter.last_date >= policy.valid_from AND (policy.valid_to IS NULL OR quarter.last_date < policy.valid_to)
    GROUP BY quarter.quarter, quarter.eve, quarter.last_date
),
asked AS (
    SELECT quarter, eve AS as_of, true AS is_start, lost_factor, lost_days, won_back_days FROM limited
    UNION ALL
    SELECT quarter, last_date, false, lost_factor, lost_days, won_back_days FROM limited
),
held AS (
    SELECT asked.*, day.customer_id, day.industry, day.order_date, day.own_interval_days
    FROM asked
    JOIN customer.order_day AS day ON day.order_date <= asked.as_of AND (day.next_order_date IS NULL OR day.next_order_date > asked.as_of)
),
overall AS (
    SELECT as_of, quantile_cont(own_interval_days, 0.5) AS interval_days FROM held GROUP BY as_of
),
industry AS (
    SELECT as_of, industry, quantile_cont(own_interval_days, 0.5) AS interval_days FROM held GROUP BY as_of, industry
),
expected AS (
    SELECT
        held.*,
        coalesce(
            held.own_interval_days,
            (SELECT interval_days FROM industry WHERE industry.as_of = held.as_of AND industry.industry = held.industry),
            (SELECT interval_days FROM overall WHERE overall.as_of = held.as_of)
        ) AS interval_days,
        date_diff('day', held.order_date, held.as_of) AS recency_days
    FROM held
),
judged AS (
    SELECT
        *,
        coalesce(round(recency_days - lost_factor * interval_days, 12) > 0 AND recency_days > lost_days, false) AS is_lost
    FROM expected
),
returned AS (
    SELECT DISTINCT limited.quarter, day.customer_id
    FROM limited
    JOIN customer.order_day AS day ON day.order_date <= limited.last_date AND day.order_date > limited.last_date - limited.won_back_days
    WHERE day.eve_recency_days > limited.lost_days
        AND round(day.eve_recency_days - limited.lost_factor * day.eve_expected_interval_days, 12) > 0
),
changed AS (
    SELECT
        start.quarter,
        start.customer_id,
        start.is_lost AS was_lost,
        ended.is_lost,
        NOT ended.is_lost AND returned.customer_id IS NOT NULL AS is_won_back
    FROM judged AS start
    JOIN judged AS ended ON ended.quarter = start.quarter AND ended.customer_id = start.customer_id AND NOT ended.is_start
    LEFT JOIN returned ON returned.quarter = start.quarter AND returned.customer_id = start.customer_id
    WHERE start.is_start
),
graded AS (
    SELECT changed.*, coalesce(grade.revenue_grade, 'C') AS revenue_grade
    FROM changed
    LEFT JOIN customer.monthly_grade AS grade ON grade.month = changed.quarter - INTERVAL 1 MONTH AND grade.customer_id = changed.customer_id
)
SELECT
    quarter,
    revenue_grade,
    count(*) FILTER (WHERE NOT was_lost) AS customers_at_start_count,
    count(*) FILTER (WHERE NOT was_lost AND is_lost) AS lost_count,
    count(*) FILTER (WHERE was_lost AND is_won_back) AS won_back_count,
    count(*) FILTER (WHERE NOT was_lost AND is_lost)::DOUBLE / nullif(count(*) FILTER (WHERE NOT was_lost), 0) AS churn_rate,
    count(*) FILTER (WHERE was_lost AND is_won_back)::DOUBLE / nullif(count(*) FILTER (WHERE was_lost), 0) AS win_back_rate,
    count(*) FILTER (WHERE was_lost) AS lost_at_start_count
FROM graded
GROUP BY quarter, revenue_grade
