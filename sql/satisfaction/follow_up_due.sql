/* ---
description: >
  What satisfaction.follow_up counts, as far as no day changes it. Orders by the month of their acceptance (transaction) and
  complaints by the local month of their closing (service), with how they were followed up: the first visit or contact of
  the customer on one of the days after the acceptance; the stage followed_up of the complaint, before or after it was
  closed. In time is no later than the days that policy says in that month. Of events that were followed up, or for which
  there is no policy, there is one row for each month, without a due_date; of the others one for each day on which their
  time is over. So the run date is only compared with due_date, where few rows are left.
owner: quality
key: [month, aspect, due_date]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the month of acceptance or closing. }
  aspect: { type: string, title: { zh: 方面, en: Aspect }, description: "transaction or service." }
  due_date: { type: date, title: { zh: 跟踪期限, en: Due }, description: "Day with whose end the time of events is over that nobody followed up; NULL for all others." }
  event_count: { type: bigint, unit: events, title: { zh: 事件数, en: Events }, description: Orders accepted or complaints closed. }
  followed_up_count: { type: bigint, unit: events, title: { zh: 按时跟踪数, en: In time }, description: "Of these, followed up in time." }
  judged_count: { type: bigint, unit: events, title: { zh: 已有结果数, en: Judged }, description: "Of these, followed up in time or later." }
checks:
  - not_null: [month, aspect, event_count, followed_up_count, judged_count]
  - accepted_values: { column: aspect, values: [transaction, service] }
  - expr: followed_up_count between 0 and judged_count and judged_count between 0 and event_count
  - expr: due_date is null or judged_count = 0
  - expr: due_date >= month
--- */
WITH customer_day AS (
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
    -- orders stand before what was met on their day, so that it does not count for them
    SELECT
        day,
        accepted,
        min(met_date) OVER (
            PARTITION BY customer_id
            ORDER BY day DESC, accepted DESC ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
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

event_month AS (
    SELECT CAST(date_trunc('month', accepted_date) AS DATE) AS month
    FROM core.sales_order
    WHERE accepted_date IS NOT NULL
    UNION
    SELECT CAST(date_trunc('month', local_date(closed_at, $timezone)) AS DATE)
    FROM core.complaint
    WHERE closed_at IS NOT NULL
),

month_policy AS (
    SELECT event_month.month, CAST(policy.value AS BIGINT) AS window_days
    FROM event_month
    JOIN core.policy AS policy -- allow join-without-equality: months, and a validity range over one policy
        ON in_force(policy.valid_from, policy.valid_to, event_month.month + INTERVAL '1 month' - INTERVAL '1 day')
    WHERE policy.key = 'satisfaction.follow_up.window_days'
),

limited_complaint AS (
    SELECT
        complaint.month,
        complaint.followed_up_at,
        hours_later(complaint.closed_at, 24.0 * policy.window_days) AS due_at
    FROM closed_complaint AS complaint
    LEFT JOIN month_policy AS policy ON policy.month = complaint.month
),

judged_event AS (
    SELECT
        followed_order.month,
        'transaction' AS aspect,
        CASE
            WHEN followed_order.next_met_date - followed_order.accepted_date <= policy.window_days THEN 1
            WHEN followed_order.next_met_date IS NOT NULL THEN 0
        END AS followed_up,
        followed_order.accepted_date + CAST(policy.window_days AS INT) AS due_date
    FROM followed_order
    LEFT JOIN month_policy AS policy ON policy.month = followed_order.month
    UNION ALL
    SELECT
        month,
        'service',
        CASE WHEN followed_up_at <= due_at THEN 1 WHEN followed_up_at > due_at THEN 0 END,
        local_date(due_at, $timezone)
    FROM limited_complaint
),

dated_event AS (
    SELECT month, aspect, followed_up, CASE WHEN followed_up IS NULL THEN due_date END AS due_date
    FROM judged_event
)

SELECT
    month,
    aspect,
    due_date,
    count(*) AS event_count,
    count(*) FILTER (WHERE followed_up = 1) AS followed_up_count,
    count(followed_up) AS judged_count
FROM dated_event
GROUP BY month, aspect, due_date
