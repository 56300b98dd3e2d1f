-- domain.md, section 3: contacts with the customer; what is not given is unknown, but for is_domestic. The limit is that of section 9.
WITH home AS (
    SELECT day, is_working_day, working_day_number FROM core.calendar
    WHERE country = (SELECT any_value(country) FROM core.region WHERE is_domestic)
),
limited AS (
    SELECT
        month,
        max(value) FILTER (key = 'complaint.sla.domestic_response_hours') AS home_hours,
        max(value) FILTER (key = 'complaint.sla.overseas_response_working_days')::BIGINT AS working_days
    FROM (SELECT DISTINCT contacted_month AS month FROM staged.contact_log)
    JOIN core.policy ON valid_from <= last_day(month) AND (valid_to IS NULL OR last_day(month) < valid_to)
    GROUP BY month
),
contact AS (
    SELECT *, timezone(getvariable('timezone'), contacted_at) AS received_local, received_local::DATE AS received_date FROM staged.contact_log
)
SELECT
    line.contact_no,
    date_trunc('month', line.received_date)::DATE AS month,
    line.contacted_at,
    line.received_date AS contacted_date,
    line.responded_at,
    coalesce(line.channel, 'unknown') AS channel,
    coalesce(line.kind, 'unknown') AS kind,
    coalesce(line.topic, 'unknown') AS topic,
    coalesce(line.customer_id, 'unknown') AS customer_id,
    line.is_domestic,
    line.campaign_id,
    CASE
        WHEN line.is_domestic THEN line.contacted_at + to_microseconds((limited.home_hours * 3.6e9)::BIGINT)
        WHEN NOT line.is_domestic
            THEN timezone(getvariable('timezone'), due.day + CASE WHEN received.is_working_day THEN line.received_local::TIME ELSE TIME '00:00' END)
    END AS response_due_at
FROM contact AS line
LEFT JOIN limited ON limited.month = line.contacted_month
LEFT JOIN home AS received ON received.day = line.received_date
-- from a day off the count begins on the next working day, which is the first of them
LEFT JOIN home AS due ON due.is_working_day
    AND due.working_day_number = received.working_day_number + limited.working_days + CASE WHEN received.is_working_day THEN 0 ELSE 1 END
