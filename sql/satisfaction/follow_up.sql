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
WITH aspect_month AS (
    SELECT
        month,
        aspect,
        CAST(sum(event_count) AS BIGINT) AS event_count,
        sum(followed_up_count) AS followed_up_count,
        CAST(sum(judged_count) + sum(CASE WHEN due_date <= $run_date THEN event_count ELSE 0 END) AS BIGINT) AS judged_count
    FROM satisfaction.follow_up_due
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
