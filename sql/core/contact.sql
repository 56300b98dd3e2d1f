/* ---
description: >
  Contacts of customers with the house, one row per entry of the contact log. The month is that of the local date of
  the contact. is_domestic stays as the log gave it: an unknown one is not judged. A contact that names no customer
  belongs to `unknown`; a missing channel, kind or topic is `unknown` as well.
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
SELECT
    contact_no,
    contacted_month AS month,
    contacted_at,
    local_date(contacted_at, $timezone) AS contacted_date,
    responded_at,
    coalesce(channel, 'unknown') AS channel,
    coalesce(kind, 'unknown') AS kind,
    coalesce(topic, 'unknown') AS topic,
    coalesce(customer_id, 'unknown') AS customer_id,
    is_domestic,
    campaign_id
FROM staged.contact_log
