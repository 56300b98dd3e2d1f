/* ---
description: >
  Service levels by month of receipt, kind, priority and home or overseas. A complaint is judged by its first
  response when it was answered or its limit passed before the end of run_date (local time); one whose is_domestic
  is unknown, or whose limit lies outside the working-day calendar, is not judged. The limits are those of
  core.complaint. Home: hours around the clock. Overseas: the same local clock time on the next working day of the home
  country; a receipt on a day off counts from 00:00 of the next working day. On site: home complaints resolved on site,
  of the priority of the policy (1 is A) or a higher one. Hours to resolution run from the receipt to the stage
  `handled`. Confirmed: of the closed complaints, those that the customer confirmed. Months in which a key had none, up
  to 23 after its last one, have count 0 and no rates. A missing kind or priority is `unknown`.
owner: customer-service
key: [month, kind, priority, is_domestic]
partition_by: [month]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the local month of receipt. }
  kind: { type: string, title: { zh: 类别, en: Kind }, description: "product, service or unknown." }
  priority: { type: string, title: { zh: 优先级, en: Priority }, description: "A, B, C or unknown." }
  is_domestic: { type: boolean, title: { zh: 是否国内, en: Is domestic }, description: NULL where not known. }
  complaint_count: { type: bigint, unit: complaints, title: { zh: 投诉数, en: Complaints }, description: Complaints received. }
  response_in_time_rate: { type: double, unit: share, title: { zh: 响应及时率, en: Responded in time }, description: "Of those answered or past due, answered in time." }
  on_site_in_time_rate: { type: double, unit: share, title: { zh: 到场及时率, en: On site in time }, description: "Of those visited or past due, visited in time." }
  median_resolution_hours: { type: double, unit: hours, title: { zh: 处理时长中位数, en: Median hours to resolution }, description: Receipt to handled. }
  confirmed_rate: { type: double, unit: share, title: { zh: 顾客确认率, en: Confirmed }, description: "Of the closed, confirmed by the customer." }
  response_judged_count: { type: bigint, unit: complaints, title: { zh: 响应考核数, en: Judged by response }, description: Denominator of response_in_time_rate. }
  on_site_judged_count: { type: bigint, unit: complaints, title: { zh: 到场考核数, en: Judged on site }, description: Denominator of on_site_in_time_rate. }
checks:
  - not_null: [month, kind, priority, complaint_count, response_judged_count, on_site_judged_count]
  - unique: [month, kind, priority, is_domestic]
  - expr: response_in_time_rate between 0 and 1 and on_site_in_time_rate between 0 and 1 and confirmed_rate between 0 and 1
  - expr: response_judged_count <= complaint_count and on_site_judged_count <= complaint_count
  - expr: response_judged_count = 0
    where: is_domestic is null
    name: unknown_home_is_not_judged
  - expr: (response_in_time_rate is null) = (response_judged_count = 0)
  - expr: median_resolution_hours >= 0
    severity: warn
--- */
WITH handled_complaint AS (
    SELECT complaint_id, entered_at AS handled_at
    -- allow partition-column-unused: a complaint of one month may be handled in any later one
    FROM core.complaint_stage
    WHERE stage = 'handled'
),

judged_complaint AS (
    -- a complaint is judged at the end of run_date in the pipeline's zone
    SELECT
        complaint.month,
        complaint.kind,
        complaint.priority,
        complaint.is_domestic,
        kept_limit(
            complaint.first_response_at,
            complaint.response_due_at,
            utc_time(CAST($run_date + INTERVAL '1 day' AS TIMESTAMP(6)), $timezone)
        ) AS response_in_time,
        kept_limit(
            complaint.on_site_at,
            complaint.on_site_due_at,
            utc_time(CAST($run_date + INTERVAL '1 day' AS TIMESTAMP(6)), $timezone)
        ) AS on_site_in_time,
        elapsed_hours(complaint.received_at, handled.handled_at) AS resolution_hours,
        CASE WHEN complaint.closed_at IS NOT NULL THEN CASE WHEN complaint.is_confirmed THEN 1 ELSE 0 END END AS confirmed
    FROM core.complaint AS complaint
    LEFT JOIN handled_complaint AS handled ON handled.complaint_id = complaint.complaint_id
),

listed_month AS (
    -- domain.md, section 1: a row for each month within 24 months of one with a complaint of the same key
    SELECT
        unnest(generate_series(month, CAST(month + INTERVAL '23 months' AS DATE), INTERVAL '1 month')) AS month,
        kind,
        priority,
        is_domestic
    FROM (SELECT DISTINCT month, kind, priority, is_domestic FROM core.complaint) AS complaint_month
),

complaint_or_empty AS (
    SELECT
        month,
        kind,
        priority,
        is_domestic,
        1 AS complaint_count,
        response_in_time,
        on_site_in_time,
        resolution_hours,
        confirmed
    FROM judged_complaint
    UNION ALL
    SELECT DISTINCT
        month,
        kind,
        priority,
        is_domestic,
        0,
        CAST(NULL AS BIGINT),
        CAST(NULL AS BIGINT),
        CAST(NULL AS DOUBLE),
        CAST(NULL AS BIGINT)
    FROM listed_month
    WHERE month <= CAST(date_trunc('month', $run_date) AS DATE)
)

SELECT
    month,
    kind,
    priority,
    is_domestic,
    CAST(sum(complaint_count) AS BIGINT) AS complaint_count,
    CAST(sum(response_in_time) AS DOUBLE) / nullif(count(response_in_time), 0) AS response_in_time_rate,
    CAST(sum(on_site_in_time) AS DOUBLE) / nullif(count(on_site_in_time), 0) AS on_site_in_time_rate,
    exact_quantile(resolution_hours, 0.5) AS median_resolution_hours,
    CAST(sum(confirmed) AS DOUBLE) / nullif(count(confirmed), 0) AS confirmed_rate,
    count(response_in_time) AS response_judged_count,
    count(on_site_in_time) AS on_site_judged_count
FROM complaint_or_empty
GROUP BY month, kind, priority, is_domestic
