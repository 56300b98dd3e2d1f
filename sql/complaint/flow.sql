/* ---
description: >
  How long complaints stay in each of the nine stages, by the month in which they entered it (local date). The stay
  ends with the next stage, in the order of the nine, that the complaint has entered; skipped stages are passed
  over. A complaint is stuck in a stage, other than the last, when as of run_date it has entered no later one; it is
  counted in the month in which it entered that stage. Months in which nothing entered a stage, up to 23 after the
  last one with an entry, have counts 0 and no hours.
owner: customer-service
key: [month, stage]
partition_by: [month]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the local month in which the stage was entered. }
  stage: { type: string, title: { zh: 环节, en: Stage }, description: Name of the stage. }
  median_hours: { type: double, unit: hours, title: { zh: 停留时长中位数, en: Median hours }, description: Hours until the next stage. }
  p90_hours: { type: double, unit: hours, title: { zh: 停留时长90分位, en: 90 % quantile of hours }, description: Hours until the next stage. }
  stuck_count: { type: bigint, unit: complaints, title: { zh: 滞留数, en: Stuck }, description: Complaints without a later stage. }
  entered_count: { type: bigint, unit: complaints, title: { zh: 进入数, en: Entered }, description: Complaints that entered the stage. }
  stage_number: { type: int, title: { zh: 环节序号, en: Stage number }, description: "Place among the nine, from 1." }
checks:
  - not_null: [month, stage, stuck_count, entered_count, stage_number]
  - unique: [month, stage]
  - accepted_values: { column: stage, values: [received, registered, analysed, dispatched, handled, answered, followed_up, evaluated, summarised] }
  - expr: stuck_count between 0 and entered_count
  - expr: stuck_count = 0
    where: stage = 'summarised'
    name: nothing_is_stuck_in_the_last_stage
  - expr: p90_hours >= median_hours
  - expr: median_hours >= 0
    severity: warn
--- */
WITH entered_stage AS (
    -- the next stage that the complaint has, in the order of the nine
    SELECT
        complaint_id,
        month,
        stage,
        stage_number,
        entered_at,
        -- allow order-not-total: each of the nine stages has a number of its own
        lead(entered_at) OVER (PARTITION BY complaint_id ORDER BY stage_number) AS next_entered_at
    FROM core.complaint_stage
),

stay AS (
    SELECT
        month,
        stage,
        stage_number,
        elapsed_hours(entered_at, next_entered_at) AS hours,
        CASE WHEN next_entered_at IS NULL AND stage <> 'summarised' THEN 1 ELSE 0 END AS stuck_count
    FROM entered_stage
),

listed_month AS (
    -- domain.md, section 1: a row for each month within 24 months of one with an entry of the same stage
    SELECT
        unnest(generate_series(month, CAST(month + INTERVAL '23 months' AS DATE), INTERVAL '1 month')) AS month,
        stage,
        stage_number
    FROM (SELECT DISTINCT month, stage, stage_number FROM core.complaint_stage) AS stage_month
),

stay_or_empty AS (
    SELECT month, stage, stage_number, hours, stuck_count, 1 AS entered_count FROM stay
    UNION ALL
    SELECT month, stage, stage_number, CAST(NULL AS DOUBLE), 0, 0
    FROM listed_month
    WHERE month <= CAST(date_trunc('month', $run_date) AS DATE)
)

SELECT
    month,
    stage,
    exact_quantile(hours, 0.5) AS median_hours,
    exact_quantile(hours, 0.9) AS p90_hours,
    CAST(sum(stuck_count) AS BIGINT) AS stuck_count,
    CAST(sum(entered_count) AS BIGINT) AS entered_count,
    stage_number
FROM stay_or_empty
GROUP BY month, stage, stage_number
