/* ---
description: >
  How many contacts were answered in time, by month, channel and kind. The limits and their counting are those of
  complaint.sla: at home hours around the clock, overseas the same local clock time some working days of the home
  country later (core.contact). A contact is judged when it was answered, or when its limit passed before the end of
  run_date (local time); one whose is_domestic is unknown, or whose limit lies outside the working-day calendar, is
  counted and not judged. Months in which a channel and kind had no contact, up to 23 after the last one, have count 0
  and no rate.
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
WITH listed_month AS (
    -- domain.md, section 1: a row for each month within 24 months of one with a contact of the same key
    SELECT
        unnest(generate_series(month, CAST(month + INTERVAL '23 months' AS DATE), INTERVAL '1 month')) AS month,
        channel,
        kind
    FROM (SELECT DISTINCT month, channel, kind FROM core.contact) AS contact_month
),

contact_or_empty AS (
    -- a contact is judged at the end of run_date in the pipeline's zone
    SELECT
        month,
        channel,
        kind,
        1 AS contact_count,
        kept_limit(responded_at, response_due_at, utc_time(CAST($run_date + INTERVAL '1 day' AS TIMESTAMP(6)), $timezone)) AS response_in_time
    FROM core.contact
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
