-- domain.md, section 9: service levels of complaints by month of receipt.
WITH home AS (
    SELECT day, is_working_day, working_day_number FROM core.calendar
    WHERE country = (SELECT any_value(country) FROM core.region WHERE is_domestic)
),
limited AS (
    SELECT month, max(value) FILTER (key = 'complaint.sla.domestic_response_hours') AS home_hours,
        max(value) FILTER (key = 'complaint.sla.overseas_response_working_days') AS working_days,
        max(value) FILTER (key = 'complaint.sla.on_site_hours') AS on_site_hours,
        max(value) FILTER (key = 'complaint.sla.on_site_priority') AS on_site_priority
    FROM (SELECT DISTINCT month FROM core.complaint)
    JOIN core.policy ON valid_from <= last_day(month) AND (valid_to IS NULL OR last_day(month) < valid_to)
    GROUP BY month
),
complaint AS (
    SELECT complaint.* EXCLUDE (response_due_at, on_site_due_at), limited.* EXCLUDE (month),
        timezone(getvariable('timezone'), received_at) AS local_at,
        timezone(getvariable('timezone'), first_response_at) AS response_at,
        timezone(getvariable('timezone'), on_site_at) AS arrival_at,
        handled.entered_at AS handled_at
    FROM core.complaint LEFT JOIN limited USING (month)
    LEFT JOIN core.complaint_stage AS handled ON handled.complaint_id = complaint.complaint_id AND handled.stage = 'handled'
),
due AS (
    SELECT complaint.*,
        CASE
            WHEN is_domestic THEN local_at + to_microseconds((home_hours * 3.6e9)::BIGINT)
            WHEN NOT is_domestic THEN CASE WHEN received.is_working_day THEN next_day.day + local_at::TIME ELSE next_day.day::TIMESTAMP END
        END AS response_due_at,
        CASE WHEN is_domestic AND resolution_mode = 'onsite' AND position(priority IN 'ABC') BETWEEN 1 AND on_site_priority
            THEN local_at + to_microseconds((on_site_hours * 3.6e9)::BIGINT) END AS on_site_due_at
    FROM complaint
    LEFT JOIN home AS received ON received.day = local_at::DATE
    LEFT JOIN home AS next_day ON next_day.is_working_day
        AND next_day.working_day_number = received.working_day_number + working_days::BIGINT + CASE WHEN received.is_working_day THEN 0 ELSE 1 END
),
judged AS (
    SELECT *,
        response_due_at IS NOT NULL AND (response_at IS NOT NULL OR response_due_at < getvariable('run_date') + INTERVAL 1 DAY) AS is_response_judged,
        on_site_due_at IS NOT NULL AND (arrival_at IS NOT NULL OR on_site_due_at < getvariable('run_date') + INTERVAL 1 DAY) AS is_on_site_judged
    FROM due
),
summed AS (
    SELECT month, kind, priority, is_domestic,
        count(*) AS complaint_count,
        avg(coalesce(response_at <= response_due_at, false)::INTEGER) FILTER (is_response_judged) AS response_in_time_rate,
        avg(coalesce(arrival_at <= on_site_due_at, false)::INTEGER) FILTER (is_on_site_judged) AS on_site_in_time_rate,
        median(date_diff('microsecond', received_at, handled_at) / 3.6e9) AS median_resolution_hours,
        avg(coalesce(is_confirmed, false)::INTEGER) FILTER (closed_at IS NOT NULL) AS confirmed_rate,
        count(*) FILTER (is_response_judged) AS response_judged_count,
        count(*) FILTER (is_on_site_judged) AS on_site_judged_count
    FROM judged GROUP BY ALL
),
listed AS (
    SELECT DISTINCT kind, priority, is_domestic, (month + to_months(n::INTEGER))::DATE AS month
    FROM core.complaint CROSS JOIN range(24) AS later (n)
    WHERE month + to_months(n::INTEGER) <= getvariable('run_date')
)
SELECT listed.month, listed.kind, listed.priority, listed.is_domestic, coalesce(complaint_count, 0) AS complaint_count,
    response_in_time_rate, on_site_in_time_rate, median_resolution_hours, confirmed_rate,
    coalesce(response_judged_count, 0) AS response_judged_count, coalesce(on_site_judged_count, 0) AS on_site_judged_count
FROM listed
LEFT JOIN summed ON summed.month = listed.month AND summed.kind = listed.kind AND summed.priority = listed.priority AND summed.is_domestic IS NOT DISTINCT FROM listed.is_domestic
