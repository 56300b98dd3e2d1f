-- domain.md, section 10: what follow_up counts, with the day on which the time of an event is over that nobody followed up.
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
first_met AS (
    SELECT event_number, min(met.day) AS day
    FROM windowed JOIN met ON met.customer_id = windowed.customer_id AND met.day > windowed.day
    WHERE aspect = 'transaction' GROUP BY ALL
),
judged AS (
    SELECT aspect, windowed.month,
        CASE WHEN days IS NOT NULL THEN
            CASE WHEN aspect = 'transaction' THEN first_met.day <= windowed.day + days
            ELSE timezone(getvariable('timezone'), stage.entered_at) <= closed_at + to_days(days) END
        WHEN aspect = 'transaction' AND first_met.day IS NOT NULL THEN false
        END AS is_followed_up,
        CASE WHEN aspect = 'transaction' THEN windowed.day + days ELSE (closed_at + to_days(days))::DATE END AS due_date
    FROM windowed LEFT JOIN first_met USING (event_number)
    LEFT JOIN core.complaint_stage AS stage ON stage.complaint_id = windowed.complaint_id AND stage.stage = 'followed_up'
)
SELECT month, aspect, CASE WHEN is_followed_up IS NULL THEN due_date END AS due_date, count(*) AS event_count,
    count(*) FILTER (is_followed_up) AS followed_up_count, count(is_followed_up) AS judged_count
FROM judged GROUP BY ALL
