/* ---
description: >
  How many contacts were answered in time, by month, channel and kind. The limits and their counting are those of
  complaint.sla: at home hours around the clock, overseas the same local clock time some working days of the home
  country later. A contact is judged when it was answered, or when its limit passed before the end of run_date (local
  time); one whose is_domestic is unknown, or whose limit lies outside the working-day calendar, is counted and not
  judged. Months in which a channel and kind had no contact, up to 23 after the last one, have count 0 and no rate.
owner: customer-service
key: [month, channel, kind]
partition_by: [month]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the local month of the contact. }
  channel: { type: string, title: { zh: 渠道, en: Channel }, description: "Channel of the contact, `unknown` where not given." }
  kind: { type: string, title: { zh: 类别, en: Kind }, description: "inquiry, order, complaint or unknown." }
  contact_count: { type: bigint, unit: contacts, title: { zh: 接触数, en: Contacts }, description: Contacts of the month. }
  response_in_time_rate: { type: double, unit: share, title: { zh: 响应及时率, en: Responded in time }, description: "Of those answered or past due, answered in time." }
  response_judged_count: { type: bigint, unit: contacts, title: { zh: 响应考核数, en: Judged by response }, description: Denominator of response_in_time_rate. }
checks:
  - not_null: [month, channel, kind, contact_count, response_judged_count]
  - expr: response_judged_count between 0 and contact_count
  - expr: response_in_time_rate between 0 and 1
  - expr: (response_in_time_rate is null) = (response_judged_count = 0)
  - expr: (SELECT coalesce(sum(contact_count), 0) FROM complaint.contact_sla) = (SELECT count(*) FROM core.contact)
    name: every_contact_counts_once
--- */
WITH run_end AS (
    -- "at run_date" is the end of that day in the pipeline's zone
    SELECT utc_time(CAST($run_date + INTERVAL '1 day' AS TIMESTAMP(6)), $timezone) AS ends_at
),

contact AS (
    SELECT month, channel, kind, is_domestic, contacted_at, responded_at FROM core.contact
),

month_policy AS (
    -- the policy in force on the last day of the month of the contact
    SELECT
        contact_month.month,
        max(CASE WHEN policy.key = 'complaint.sla.domestic_response_hours' THEN policy.value END) AS response_hours,
        max(CASE WHEN policy.key = 'complaint.sla.overseas_response_working_days' THEN CAST(policy.value AS BIGINT) END) AS response_working_days
    FROM (SELECT DISTINCT month FROM contact) AS contact_month
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over two policies
        ON policy.valid_from < contact_month.month + INTERVAL '1 month'
        AND (policy.valid_to IS NULL OR policy.valid_to >= contact_month.month + INTERVAL '1 month')
    WHERE policy.key LIKE 'complaint.sla.%'
    GROUP BY contact_month.month
),

home_calendar AS (
    SELECT working_calendar(day, is_working_day) AS days
    FROM core.calendar
    WHERE country IN (SELECT country FROM core.region WHERE is_domestic)
),

due_contact AS (
    SELECT
        contact.month,
        contact.channel,
        contact.kind,
        contact.responded_at,
        CASE
            WHEN contact.is_domestic
                THEN hours_later(contact.contacted_at, month_policy.response_hours)
            WHEN NOT contact.is_domestic
                THEN add_working_days(contact.contacted_at, month_policy.response_working_days, home_calendar.days, $timezone)
        END AS response_due_at
    FROM contact
    CROSS JOIN home_calendar -- allow join-without-equality: one row, the calendar of the country
    LEFT JOIN month_policy ON month_policy.month = contact.month
),

listed_month AS (
    -- domain.md, section 1: a row for each month within 24 months of one with a contact of the same key
    SELECT
        unnest(generate_series(month, CAST(month + INTERVAL '23 months' AS DATE), INTERVAL '1 month')) AS month,
        channel,
        kind
    FROM (SELECT DISTINCT month, channel, kind FROM contact) AS contact_month
),

contact_or_empty AS (
    SELECT
        contact.month,
        contact.channel,
        contact.kind,
        1 AS contact_count,
        kept_limit(contact.responded_at, contact.response_due_at, run_end.ends_at) AS response_in_time
    FROM due_contact AS contact
    CROSS JOIN run_end
    UNION ALL
    SELECT month, channel, kind, 0, CAST(NULL AS INT)
    FROM listed_month
    WHERE month <= CAST(date_trunc('month', $run_date) AS DATE)
)

SELECT
    month,
    channel,
    kind,
    CAST(sum(contact_count) AS BIGINT) AS contact_count,
    CAST(sum(response_in_time) AS DOUBLE) / nullif(count(response_in_time), 0) AS response_in_time_rate,
    count(response_in_time) AS response_judged_count
FROM contact_or_empty
GROUP BY month, channel, kind
