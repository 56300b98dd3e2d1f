/* ---
description: >
  Contacts of customers with the house, one row per entry of the contact log. The month is that of the local date of
  the contact. is_domestic stays as the log gave it: an unknown one is not judged. A contact that names no customer
  belongs to `unknown`; a missing channel, kind or topic is `unknown` as well. The limit of the response follows the
  policy in force on the last day of the month, as complaint.sla says; outside the working-day calendar there is none.
owner: customer-service
key: [contact_no]
partition_by: [month]
columns:
  contact_no: { type: string, title: { zh: 接触号, en: Contact }, description: Number of the contact. }
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the local month of the contact. }
  contacted_at: { type: timestamp, title: { zh: 接触时间, en: Contacted at }, description: Moment of the contact. }
  contacted_date: { type: date, title: { zh: 接触日期, en: Contacted on }, description: Local day of the contact. }
  responded_at: { type: timestamp, title: { zh: 响应时间, en: Responded at }, description: Moment of the first response. }
  channel: { type: string, title: { zh: 渠道, en: Channel }, description: Channel of the contact. }
  kind: { type: string, title: { zh: 类别, en: Kind }, description: "inquiry, order, complaint or unknown." }
  topic: { type: string, title: { zh: 主题, en: Topic }, description: "What it was about, `unknown` where not given." }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: "Customer, `unknown` where none is named." }
  is_domestic: { type: boolean, title: { zh: 是否国内, en: Is domestic }, description: "As delivered; NULL where not known." }
  campaign_id: { type: string, title: { zh: 活动号, en: Campaign }, description: Campaign that the contact answers. }
  response_due_at: { type: timestamp, title: { zh: 响应时限, en: Response due at }, description: "Moment by which a response is in time; NULL where none can be told." }
checks:
  - not_null: [contact_no, month, contacted_at, contacted_date, channel, kind, topic, customer_id]
  - accepted_values: { column: kind, values: [inquiry, order, complaint, unknown] }
  - expr: month = date_trunc('month', contacted_date)
  - expr: responded_at >= contacted_at
    severity: warn
    name: no_response_before_the_contact
  - relationships: { column: contacted_date, to: core.calendar, field: day }
    where: is_domestic = false
    severity: warn
    name: overseas_contact_lies_in_the_calendar
--- */
WITH month_policy AS (
    -- the policy in force on the last day of the month of the contact
    SELECT
        contact_month.month,
        max(CASE WHEN policy.key = 'complaint.sla.domestic_response_hours' THEN policy.value END) AS response_hours,
        max(CASE WHEN policy.key = 'complaint.sla.overseas_response_working_days' THEN CAST(policy.value AS BIGINT) END) AS response_working_days
    FROM (SELECT DISTINCT contacted_month AS month FROM staged.contact_log) AS contact_month
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over two policies
        ON in_force(policy.valid_from, policy.valid_to, contact_month.month + INTERVAL '1 month' - INTERVAL '1 day')
    WHERE policy.key LIKE 'complaint.sla.%'
    GROUP BY contact_month.month
),

home_calendar AS (
    SELECT working_calendar(day, is_working_day) AS days
    FROM core.calendar
    WHERE country IN (SELECT country FROM core.region WHERE is_domestic)
),

overseas_contact AS (
    -- apart, so that only their rows meet the calendar, which is a long list
    SELECT
        contact.contact_no,
        contact.contacted_month AS month,
        add_working_days(contact.contacted_at, month_policy.response_working_days, home_calendar.days, $timezone) AS response_due_at
    FROM staged.contact_log AS contact
    JOIN month_policy ON month_policy.month = contact.contacted_month
    CROSS JOIN home_calendar -- allow join-without-equality: one row, the calendar of the country
    WHERE NOT contact.is_domestic
)

SELECT
    contact.contact_no,
    contact.contacted_month AS month,
    contact.contacted_at,
    local_date(contact.contacted_at, $timezone) AS contacted_date,
    contact.responded_at,
    coalesce(contact.channel, 'unknown') AS channel,
    coalesce(contact.kind, 'unknown') AS kind,
    coalesce(contact.topic, 'unknown') AS topic,
    coalesce(contact.customer_id, 'unknown') AS customer_id,
    contact.is_domestic,
    contact.campaign_id,
    CASE
        WHEN contact.is_domestic THEN hours_later(contact.contacted_at, month_policy.response_hours)
        ELSE overseas_contact.response_due_at
    END AS response_due_at
FROM staged.contact_log AS contact
LEFT JOIN month_policy ON month_policy.month = contact.contacted_month
LEFT JOIN overseas_contact
    ON overseas_contact.contact_no = contact.contact_no
    AND overseas_contact.month = contact.contacted_month
