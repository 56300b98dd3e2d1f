-- domain.md, section 9: how complaints were solved, by month of receipt and kind.
WITH entered AS (
    SELECT complaint_id, bool_or(stage = 'dispatched') AS is_dispatched, bool_or(stage = 'answered') AS is_answered
    FROM core.complaint_stage GROUP BY complaint_id
),
summed AS (
    SELECT month, kind,
        avg((resolution_mode IS NOT DISTINCT FROM 'online')::INTEGER) FILTER (closed_at IS NOT NULL) AS solved_online_rate,
        avg(coalesce(is_dispatched, false)::INTEGER) AS dispatched_rate,
        median(date_diff('microsecond', received_at, on_site_at) / 3.6e9) AS median_arrival_hours,
        avg(coalesce(is_answered, false)::INTEGER) AS feedback_rate,
        count(*) AS complaint_count,
        count(closed_at) AS closed_count
    FROM core.complaint LEFT JOIN entered USING (complaint_id)
    GROUP BY ALL
),
listed AS (
    SELECT DISTINCT kind, (month + to_months(n::INTEGER))::DATE AS month
    FROM core.complaint CROSS JOIN range(24) AS later (n)
    WHERE month + to_months(n::INTEGER) <= getvariable('run_date')
)
SELECT month, kind, solved_online_rate, dispatched_rate, median_arrival_hours, feedback_rate,
    coalesce(complaint_count, 0) AS complaint_count, coalesce(closed_count, 0) AS closed_count
FROM listed LEFT JOIN summed USING (month, kind)
