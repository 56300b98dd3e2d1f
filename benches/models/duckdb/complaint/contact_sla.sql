-- domain.md, section 9: the response limits of complaint.sla for every contact.
WITH home AS (
    SELECT day, is_working_day, working_day_number FROM core.calendar
    WHERE country = (SELECT any_value(country) FROM core.region WHERE is_domestic)
),
limited AS (
    SELECT month, max(value) FILTER (key = 'complaint.sla.domestic_response_hours') AS home_hours,
        max(value) FILTER (key = 'complaint.sla.overseas_response_working_days') AS working_days
    FROM (SELECT DISTINCT month FROM core.contact)
    JOIN core.policy ON valid_from <= last_day(month) AND (valid_to IS NULL OR last_day(month) < valid_to)
    GROUP BY month
),
contact AS (
    SELECT month, channel, kind, is_domestic, home_hours, working_days,
        timezone(getvariable('timezone'), contacted_at) AS local_at, timezone(getvariable('timezone'), responded_at) AS response_at
    FROM core.contact LEFT JOIN limited USING (month)
),
due AS (
    SELECT contact.*,
        CASE
            WHEN is_domestic THEN local_at + to_microseconds((home_hours * 3.6e9)::BIGINT)
            WHEN NOT is_domestic THEN CASE WHEN received.is_working_day THEN next_day.day + local_at::TIME ELSE next_day.day::TIMESTAMP END
        END AS due_at
    FROM contact
    LEFT JOIN home AS received ON received.day = local_at::DATE
    -- from a day off the count begins on the next working day, which is the first of them
    LEFT JOIN home AS next_day ON next_day.is_working_day
        AND next_day.working_day_number = received.working_day_number + working_days::BIGINT + CASE WHEN received.is_working_day THEN 0 ELSE 1 END
),
judged AS (
    SELECT *, due_at IS NOT NULL AND (response_at IS NOT NULL OR due_at < getvariable('run_date') + INTERVAL 1 DAY) AS is_judged FROM due
),
summed AS (
    SELECT month, channel, kind, count(*) AS contact_count,
        avg(coalesce(response_at <= due_at, false)::INTEGER) FILTER (is_judged) AS response_in_time_rate,
        count(*) FILTER (is_judged) AS response_judged_count
    FROM judged GROUP BY ALL
),
listed AS (
    SELECT DISTINCT channel, kind, (month + to_months(n::INTEGER))::DATE AS month
    FROM core.contact CROSS JOIN range(24) AS later (n)
    WHERE month + to_months(n::INTEGER) <= getvariable('run_date')
)
SELECT month, channel, kind, coalesce(contact_count, 0) AS contact_count, response_in_time_rate, coalesce(response_judged_count, 0) AS response_judged_count
FROM listed LEFT JOIN summed USING (month, channel, kind)
