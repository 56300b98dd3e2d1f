-- domain.md, section 10: accepted orders and closed complaints that were followed up within the days of the policy.
WITH event AS (
    SELECT 'transaction' AS aspect, date_trunc('month', accepted_date)::DATE AS month, accepted_date AS day, customer_id, NULL AS complaint_id, NULL::TIMESTAMP AS closed_at
    FROM core.sales_order WHERE accepted_date IS NOT NULL
    UNION ALL
    SELECT 'service', date_trunc('month', timezone(getvariable('timezone'), closed_at))::DATE, timezone(getvariable('timezone'), closed_at)::DATE, NULL, complaint_id,
        timezone(getvariable('timezone'), closed_at)
    FROM core.complaint WHERE closed_at IS NOT NULL
),
met AS (
    SELECT customer_id, visited_date AS day FROM core.visit WHERE customer_id <> 'unknown'
    UNION
    SELECT customer_id, contacted_date FROM core.contact WHERE customer_id <> 'unknown'
),
windowed AS (
    SELECT event.*, row_number() OVER () AS event_number, value::INTEGER AS days
    FROM event LEFT JOIN core.policy ON key = 'satisfaction.follow_up.window_days' AND valid_from <= last_day(month) AND (valid_to IS NULL OR last_day(month) < valid_to)
),
met_order AS (
    SELECT DISTINCT event_number
    FROM windowed JOIN met ON met.customer_id = windowed.customer_id AND met.day > windowed.day AND met.day <= windowed.day + windowed.days
    WHERE aspect = 'transaction'
),
judged AS (
    SELECT aspect, windowed.month,
        CASE
            WHEN aspect = 'transaction' THEN met_order.event_number IS NOT NULL
            ELSE coalesce(timezone(getvariable('timezone'), stage.entered_at) <= closed_at + to_days(days), false)
        END AS is_followed_up,
        CASE
            WHEN aspect = 'transaction' THEN day + days <= getvariable('run_date')
            ELSE stage.entered_at IS NOT NULL OR closed_at + to_days(days) < getvariable('run_date') + INTERVAL 1 DAY
        END AS is_over
    FROM windowed LEFT JOIN met_order USING (event_number)
    LEFT JOIN core.complaint_stage AS stage ON stage.complaint_id = windowed.complaint_id AND stage.stage = 'followed_up'
),
summed AS (
    SELECT aspect, month, count(*) AS event_count,
        avg(is_followed_up::INTEGER) FILTER (is_followed_up OR is_over) AS followed_up_rate,
        count(*) FILTER (is_followed_up OR is_over) AS judged_count
    FROM judged GROUP BY ALL
),
listed AS (
    SELECT DISTINCT aspect, (month + to_months(n::INTEGER))::DATE AS month
    FROM event CROSS JOIN range(24) AS later (n)
    WHERE month + to_months(n::INTEGER) <= getvariable('run_date')
)
SELECT month, aspect, coalesce(event_count, 0) AS event_count, followed_up_rate, coalesce(judged_count, 0) AS judged_count
FROM listed LEFT JOIN summed USING (month, aspect)
