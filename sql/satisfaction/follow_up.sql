/* ---
description: >
  Whether customers are followed up. Transaction: orders by the month of their acceptance, followed by a visit to that
  customer or a contact of it on one of the days after it, as many as the policy says. Service: complaints by the
  local month of their closing, with the stage followed_up entered no later than that time after the closing; one that
  was followed up before it was closed counts as well. An order or complaint is judged when it was followed up in
  time, when it was later, or when its time is over by the end of run_date; the others are counted and not judged. An
  order of no known customer is never followed up. Months in which an aspect had no event, up to 23 after its last
  one, have count 0 and no rate.
owner: quality
key: [month, aspect]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the month of acceptance or closing. }
  aspect: { type: string, title: { zh: 方面, en: Aspect }, description: "transaction or service." }
  event_count: { type: bigint, unit: events, title: { zh: 事件数, en: Events }, description: Orders accepted or complaints closed. }
  followed_up_rate: { type: double, unit: share, title: { zh: 跟踪率, en: Followed up }, description: "Of those judged, followed up in time." }
  judged_count: { type: bigint, unit: events, title: { zh: 考核数, en: Judged }, description: Denominator of followed_up_rate. }
checks:
  - not_null: [month, aspect, event_count, judged_count]
  - accepted_values: { column: aspect, values: [transaction, service] }
  - expr: judged_count between 0 and event_count
  - expr: followed_up_rate between 0 and 1
  - expr: (followed_up_rate is null) = (judged_count = 0)
  - expr: (SELECT coalesce(sum(event_count), 0) FROM satisfaction.follow_up) = (SELECT count(*) FROM core.sales_order WHERE accepted_date IS NOT NULL) + (SELECT count(*) FROM core.complaint WHERE closed_at IS NOT NULL)
    name: every_event_counts_once
--- */
WITH run_end AS (
    -- "at run_date" is the end of that day in the pipeline's zone
    SELECT utc_time(CAST($run_date + INTERVAL '1 day' AS TIMESTAMP(6)), $timezone) AS ends_at
),

window_policy AS (
    SELECT valid_from, valid_to, CAST(value AS BIGINT) AS window_days
    FROM core.policy
    WHERE key = 'satisfaction.follow_up.window_days'
),

customer_day AS (
    SELECT customer_id, accepted_date AS day, 1 AS accepted, CAST(NULL AS DATE) AS met_date
    FROM core.sales_order
    WHERE accepted_date IS NOT NULL
    UNION ALL
    SELECT customer_id, visited_date AS day, 0 AS accepted, visited_date AS met_date
    FROM core.visit
    WHERE customer_id <> 'unknown'
    UNION ALL
    SELECT customer_id, contacted_date AS day, 0 AS accepted, contacted_date AS met_date
    FROM core.contact
    WHERE customer_id <> 'unknown'
),

followed_day AS (
    SELECT
        day,
        accepted,
        min(met_date) OVER (
            PARTITION BY customer_id
            ORDER BY day RANGE BETWEEN INTERVAL '1 day' FOLLOWING AND UNBOUNDED FOLLOWING
        ) AS next_met_date
    FROM customer_day
),

followed_order AS (
    SELECT
        CAST(date_trunc('month', day) AS DATE) AS month,
        day AS accepted_date,
        next_met_date
    FROM followed_day
    WHERE accepted = 1
),

closed_complaint AS (
    SELECT
        CAST(date_trunc('month', local_date(complaint.closed_at, $timezone)) AS DATE) AS month,
        complaint.closed_at,
        followed.entered_at AS followed_up_at
    FROM core.complaint AS complaint
    LEFT JOIN core.complaint_stage AS followed
        ON followed.complaint_id = complaint.complaint_id
        AND followed.stage = 'followed_up'
    WHERE complaint.closed_at IS NOT NULL
),

judged_event AS (
    SELECT
        followed_order.month,
        'transaction' AS aspect,
        CASE
            WHEN followed_order.next_met_date - followed_order.accepted_date <= policy.window_days THEN 1
            WHEN followed_order.next_met_date IS NOT NULL OR $run_date - followed_order.accepted_date >= policy.window_days THEN 0
        END AS followed_up
    FROM followed_order
    LEFT JOIN window_policy AS policy -- allow join-without-equality: a validity range over one policy
        ON in_force(policy.valid_from, policy.valid_to, followed_order.month + INTERVAL '1 month' - INTERVAL '1 day')
    UNION ALL
    SELECT
        complaint.month,
        'service',
        kept_limit(complaint.followed_up_at, hours_later(complaint.closed_at, 24.0 * policy.window_days), run_end.ends_at)
    FROM closed_complaint AS complaint
    CROSS JOIN run_end
    LEFT JOIN window_policy AS policy -- allow join-without-equality: a validity range over one policy
        ON in_force(policy.valid_from, policy.valid_to, complaint.month + INTERVAL '1 month' - INTERVAL '1 day')
),

aspect_month AS (
    SELECT
        month,
        aspect,
        count(*) AS event_count,
        sum(followed_up) AS followed_up_count,
        count(followed_up) AS judged_count
    FROM judged_event
    GROUP BY month, aspect
),

row_span AS (
    -- domain.md, section 1: a row for each month, up to run_date's, within 24 months of one with an event of the same
    -- aspect; each month with events brings the empty months before the next one
    SELECT
        *,
        least(
            CAST(month + INTERVAL '23 months' AS DATE),
            CAST(date_trunc('month', $run_date) AS DATE),
            CAST(lead(month) OVER (PARTITION BY aspect ORDER BY month) - INTERVAL '1 month' AS DATE)
        ) AS last_month
    FROM aspect_month
),

listed_row AS (
    SELECT
        row_span.*,
        unnest(generate_series(month, last_month, INTERVAL '1 month')) AS listed_month
    FROM row_span
)

SELECT
    listed_month AS month,
    aspect,
    CASE WHEN listed_month = month THEN event_count ELSE 0 END AS event_count,
    CASE WHEN listed_month = month THEN CAST(followed_up_count AS DOUBLE) / nullif(judged_count, 0) END AS followed_up_rate,
    CASE WHEN listed_month = month THEN judged_count ELSE 0 END AS judged_count
FROM listed_row
