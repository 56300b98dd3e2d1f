/* ---
description: >
  How complaints were solved, by month of receipt and kind. Solved online: of the closed complaints, those whose mode
  is online; the extract gives the mode no time of its own, so it counts from the closing on. Dispatched and feedback:
  of all complaints received, those that have entered the stage `dispatched` (handed to the department in charge) and
  the stage `answered` (feedback to the customer) by run_date. Hours to arrival run from the receipt to the arrival on
  site, around the clock, over the complaints with an arrival. Months in which a kind had no complaint, up to 23 after
  its last one, have count 0 and no figures.
owner: customer-service
key: [month, kind]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the local month of receipt. }
  kind: { type: string, title: { zh: 类别, en: Kind }, description: "product, service or unknown." }
  solved_online_rate: { type: double, unit: share, title: { zh: 在线解决率, en: Solved online }, description: "Of the closed, solved online." }
  dispatched_rate: { type: double, unit: share, title: { zh: 派单率, en: Dispatched }, description: "Of the received, handed to a department." }
  median_arrival_hours: { type: double, unit: hours, title: { zh: 到场时长中位数, en: Median hours to arrival }, description: Receipt to arrival on site. }
  feedback_rate: { type: double, unit: share, title: { zh: 反馈率, en: Feedback given }, description: "Of the received, answered to the customer." }
  complaint_count: { type: bigint, unit: complaints, title: { zh: 投诉数, en: Complaints }, description: Complaints received. }
  closed_count: { type: bigint, unit: complaints, title: { zh: 已关闭数, en: Closed }, description: Denominator of solved_online_rate. }
checks:
  - not_null: [month, kind, complaint_count, closed_count]
  - expr: closed_count between 0 and complaint_count
  - expr: solved_online_rate between 0 and 1 and dispatched_rate between 0 and 1 and feedback_rate between 0 and 1
  - expr: (solved_online_rate is null) = (closed_count = 0) and (dispatched_rate is null) = (complaint_count = 0)
    name: a_rate_for_every_denominator
  - expr: median_arrival_hours >= 0
    severity: warn
  - expr: (SELECT coalesce(sum(complaint_count), 0) FROM complaint.resolution) = (SELECT count(*) FROM core.complaint)
    name: every_complaint_counts_once
--- */
WITH staged_complaint AS (
    SELECT
        complaint_id,
        max(CASE WHEN stage = 'dispatched' THEN 1 ELSE 0 END) AS dispatched,
        max(CASE WHEN stage = 'answered' THEN 1 ELSE 0 END) AS answered
    FROM core.complaint_stage
    GROUP BY complaint_id
),

complaint AS (
    SELECT
        complaint.month,
        complaint.kind,
        complaint.closed_at IS NOT NULL AS is_closed,
        complaint.resolution_mode,
        elapsed_hours(complaint.received_at, complaint.on_site_at) AS arrival_hours,
        coalesce(staged_complaint.dispatched, 0) AS dispatched,
        coalesce(staged_complaint.answered, 0) AS answered
    FROM core.complaint AS complaint
    LEFT JOIN staged_complaint ON staged_complaint.complaint_id = complaint.complaint_id
),

listed_month AS (
    -- domain.md, section 1: a row for each month within 24 months of one with a complaint of the same kind
    SELECT
        unnest(generate_series(month, CAST(month + INTERVAL '23 months' AS DATE), INTERVAL '1 month')) AS month,
        kind
    FROM (SELECT DISTINCT month, kind FROM complaint) AS complaint_month
),

complaint_or_empty AS (
    SELECT
        month,
        kind,
        1 AS complaint_count,
        CASE WHEN is_closed THEN 1 ELSE 0 END AS closed,
        CASE WHEN is_closed AND resolution_mode = 'online' THEN 1 ELSE 0 END AS solved_online,
        dispatched,
        answered,
        arrival_hours
    FROM complaint
    UNION ALL
    SELECT month, kind, 0, 0, 0, 0, 0, CAST(NULL AS DOUBLE)
    FROM listed_month
    WHERE month <= CAST(date_trunc('month', $run_date) AS DATE)
)

SELECT
    month,
    kind,
    CAST(sum(solved_online) AS DOUBLE) / nullif(sum(closed), 0) AS solved_online_rate,
    CAST(sum(dispatched) AS DOUBLE) / nullif(sum(complaint_count), 0) AS dispatched_rate,
    exact_quantile(arrival_hours, 0.5) AS median_arrival_hours,
    CAST(sum(answered) AS DOUBLE) / nullif(sum(complaint_count), 0) AS feedback_rate,
    CAST(sum(complaint_count) AS BIGINT) AS complaint_count,
    CAST(sum(closed) AS BIGINT) AS closed_count
FROM complaint_or_empty
GROUP BY month, kind
