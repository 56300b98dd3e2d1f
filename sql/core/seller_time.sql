/* ---
description: >
  Diaries of the sellers: the minutes of a week by activity. A week belongs to the month and quarter of its Monday.
owner: sales-operations
key: [seller, week_date, activity]
columns:
  seller: { type: string, title: { zh: 销售员, en: Seller }, description: "Name of the seller, as on order lines." }
  week_date: { type: date, title: { zh: 周, en: Week }, description: Monday of the week. }
  activity: { type: string, title: { zh: 活动, en: Activity }, description: One of the ten activities. }
  quarter: { type: date, title: { zh: 季度, en: Quarter }, description: First day of the quarter of the Monday. }
  minutes: { type: bigint, unit: minutes, title: { zh: 分钟, en: Minutes }, description: Minutes of the week. }
checks:
  - not_null: [seller, week_date, activity, quarter, minutes]
  - unique: [seller, week_date, activity]
  - accepted_values: { column: activity, values: [account_planning, face_to_face, quoting, project_planning, follow_up, problem_solving, travel, personal, reports, meetings] }
  - expr: minutes >= 0
  - expr: date_part('isodow', week_date) = 1
    severity: warn
    name: week_begins_on_a_monday
--- */
SELECT
    seller,
    week AS week_date,
    activity,
    CAST(date_trunc('quarter', week) AS DATE) AS quarter,
    CAST(minutes AS BIGINT) AS minutes
FROM staged.seller_time
