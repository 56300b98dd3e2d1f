/* ---
description: >
  Who was lost and who came back in a quarter, by the revenue grade of the twelve calendar months before it. A row for
  each quarter whose three months are complete in orders, and each grade that had a customer at its start. The state of
  customer.churn is worked out anew as of the eve of the quarter and as of its last day, by the orders and medians known
  then and the policy of the last day. At the start are those who had ordered and were not lost; lost are those of them
  who are lost at the end, won back those who were lost at the start and are won back at the end. The industry, of which
  the median is taken, is that of today.
owner: customer-management
key: [quarter, revenue_grade]
columns:
  quarter: { type: date, title: { zh: 季度, en: Quarter }, description: First day of the quarter. }
  revenue_grade: { type: string, title: { zh: 收入等级, en: Revenue grade }, description: "Grade by the twelve months before the quarter." }
  customers_at_start_count: { type: bigint, unit: customers, title: { zh: 期初客户数, en: Customers at start }, description: "Customers with an order that were not lost on the eve." }
  lost_count: { type: bigint, unit: customers, title: { zh: 流失客户数, en: Lost }, description: "Of these, lost on the last day." }
  won_back_count: { type: bigint, unit: customers, title: { zh: 赢回客户数, en: Won back }, description: "Lost on the eve, won back on the last day." }
  churn_rate: { type: double, unit: share, title: { zh: 流失率, en: Churn rate }, description: Lost of the customers at start. }
  win_back_rate: { type: double, unit: share, title: { zh: 赢回率, en: Win-back rate }, description: Won back of those lost at start. }
  lost_at_start_count: { type: bigint, unit: customers, title: { zh: 期初已流失客户数, en: Lost at start }, description: Customers lost on the eve. }
checks:
  - not_null: [quarter, revenue_grade, customers_at_start_count, lost_count, won_back_count, lost_at_start_count]
  - accepted_values: { column: revenue_grade, values: [A, B, C] }
  - expr: lost_count <= customers_at_start_count and won_back_count <= lost_at_start_count
  - expr: churn_rate between 0 and 1 and win_back_rate between 0 and 1
  - expr: (churn_rate is null) = (customers_at_start_count = 0) and (win_back_rate is null) = (lost_at_start_count = 0)
  - expr: quarter = date_trunc('quarter', quarter)
--- */
WITH complete_quarter AS (
    SELECT
        quarter,
        CAST(quarter - INTERVAL '1 month' AS DATE) AS grade_month,
        CAST(quarter - INTERVAL '1 day' AS DATE) AS eve,
        max(last_date) AS last_date
    FROM core.month
    WHERE is_order_complete
    GROUP BY quarter
    HAVING count(*) = 3
),

judged_day AS (
    SELECT quarter, eve AS day, true AS is_start, last_date FROM complete_quarter
    UNION ALL
    SELECT quarter, last_date AS day, false AS is_start, last_date FROM complete_quarter
),

policy_day AS (
    -- both days of a quarter are judged by the policy of its last day
    SELECT
        judged.quarter,
        judged.day,
        judged.is_start,
        max(CASE WHEN policy.key = 'customer.churn.lost_factor' THEN policy.value END) AS lost_factor,
        max(CASE WHEN policy.key = 'customer.churn.lost_days' THEN policy.value END) AS lost_days,
        max(CASE WHEN policy.key = 'customer.churn.won_back_days' THEN policy.value END) AS won_back_days
    FROM judged_day AS judged
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over a handful of policies
        ON in_force(policy.valid_from, policy.valid_to, judged.last_date)
    WHERE policy.key LIKE 'customer.churn.%'
    GROUP BY judged.quarter, judged.day, judged.is_start
),

known_day AS (
    -- the last order day of each customer on the judged day
    SELECT
        judged.quarter,
        judged.day,
        judged.is_start,
        judged.lost_factor,
        judged.lost_days,
        known.customer_id,
        known.industry,
        judged.day - known.order_date AS recency_days,
        known.own_interval_days
    FROM customer.order_day AS known
    JOIN policy_day AS judged -- allow join-without-equality: two days of each quarter
        ON judged.day >= known.order_date
        AND (known.next_order_date IS NULL OR known.next_order_date > judged.day)
),

industry_interval AS (
    SELECT
        quarter,
        is_start,
        industry,
        exact_quantile(own_interval_days, 0.5) AS median_interval_days
    FROM known_day
    GROUP BY quarter, is_start, industry
),

overall_interval AS (
    SELECT
        quarter,
        is_start,
        exact_quantile(own_interval_days, 0.5) AS median_interval_days
    FROM known_day
    GROUP BY quarter, is_start
),

judged_customer AS (
    SELECT
        known.quarter,
        known.is_start,
        known.customer_id,
        coalesce(
            known.recency_days > known.lost_days
                AND known.recency_days > round(
                    known.lost_factor
                        * coalesce(known.own_interval_days, industry_interval.median_interval_days, overall_interval.median_interval_days),
                    12
                ),
            false
        ) AS is_lost
    FROM known_day AS known
    LEFT JOIN industry_interval
        ON industry_interval.quarter = known.quarter
        AND industry_interval.is_start = known.is_start
        AND industry_interval.industry = known.industry
    LEFT JOIN overall_interval
        ON overall_interval.quarter = known.quarter AND overall_interval.is_start = known.is_start
),

returned_customer AS (
    -- lost on the eve of an order of the year before the last day
    SELECT DISTINCT
        judged.quarter,
        day.customer_id
    FROM customer.order_day AS day
    JOIN policy_day AS judged -- allow join-without-equality: the last day of each quarter
        ON day.order_date <= judged.day
        AND judged.day - day.order_date < judged.won_back_days
        AND day.eve_recency_days > judged.lost_days
        AND day.eve_recency_days > round(judged.lost_factor * day.eve_expected_interval_days, 12)
    WHERE NOT judged.is_start
),

quarter_customer AS (
    SELECT
        start.quarter,
        start.customer_id,
        start.is_lost AS is_lost_at_start,
        finish.is_lost AS is_lost_at_end,
        returned.customer_id IS NOT NULL AS has_returned
    FROM judged_customer AS start
    LEFT JOIN judged_customer AS finish
        ON finish.quarter = start.quarter AND finish.customer_id = start.customer_id AND NOT finish.is_start
    LEFT JOIN returned_customer AS returned
        ON returned.quarter = start.quarter AND returned.customer_id = start.customer_id
    WHERE start.is_start
),

grade_policy AS (
    SELECT
        complete_quarter.quarter,
        complete_quarter.grade_month,
        max(CASE WHEN policy.key = 'customer.revenue_grade.a_below' THEN policy.value END) AS a_below,
        max(CASE WHEN policy.key = 'customer.revenue_grade.b_below' THEN policy.value END) AS b_below
    FROM complete_quarter
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over two policies
        ON in_force(policy.valid_from, policy.valid_to, complete_quarter.last_date)
    WHERE policy.key LIKE 'customer.revenue_grade.%'
    GROUP BY complete_quarter.quarter, complete_quarter.grade_month
),

graded_customer AS (
    -- without revenue in the twelve months before: C
    SELECT
        customer.*,
        CASE
            WHEN round(grade.share_before, 12) < grade_policy.a_below THEN 'A'
            WHEN round(grade.share_before, 12) < grade_policy.b_below THEN 'B'
            ELSE 'C'
        END AS revenue_grade
    FROM quarter_customer AS customer
    LEFT JOIN grade_policy ON grade_policy.quarter = customer.quarter
    LEFT JOIN customer.monthly_grade AS grade
        ON grade.month = grade_policy.grade_month AND grade.customer_id = customer.customer_id
),

counted_grade AS (
    SELECT
        quarter,
        revenue_grade,
        count(*) FILTER (WHERE NOT is_lost_at_start) AS customers_at_start_count,
        count(*) FILTER (WHERE NOT is_lost_at_start AND is_lost_at_end) AS lost_count,
        count(*) FILTER (WHERE is_lost_at_start AND NOT is_lost_at_end AND has_returned) AS won_back_count,
        count(*) FILTER (WHERE is_lost_at_start) AS lost_at_start_count
    FROM graded_customer
    GROUP BY quarter, revenue_grade
)

SELECT
    quarter,
    revenue_grade,
    customers_at_start_count,
    lost_count,
    won_back_count,
    CAST(lost_count AS DOUBLE) / nullif(customers_at_start_count, 0) AS churn_rate,
    CAST(won_back_count AS DOUBLE) / nullif(lost_at_start_count, 0) AS win_back_rate,
    lost_at_start_count
FROM counted_grade
