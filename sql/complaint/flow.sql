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
        CAST(next_entered_at AS BIGINT) - CAST(entered_at AS BIGINT) AS microseconds,
        CASE WHEN next_entered_at IS NULL AND stage <> 'summarised' THEN 1 ELSE 0 END AS stuck_count
    FROM entered_stage
),

placed_stay AS (
    -- the 90 % quantile of n stays lies tenths / 10 of the way from the stay at low_place to the next one. Whole numbers
    -- keep it exact: percentile_cont cuts its interpolation off at a millionth
    SELECT
        month,
        stage,
        microseconds,
        row_number() OVER (PARTITION BY month, stage ORDER BY microseconds) AS place,
        -- allow integer-division: what is left over stands in tenths
        9 * (count(*) OVER (PARTITION BY month, stage) - 1) / 10 + 1 AS low_place,
        9 * (count(*) OVER (PARTITION BY month, stage) - 1) % 10 AS tenths
    FROM stay
    WHERE microseconds IS NOT NULL
),

p90_stay AS (
    SELECT
        month,
        stage,
        CAST(
            sum(
                CASE
                    WHEN place = low_place THEN microseconds * (10 - tenths)
                    WHEN place = low_place + 1 THEN microseconds * tenths
                END
            ) AS DOUBLE
        ) / 36000000000 AS p90_hours
    FROM placed_stay
    GROUP BY month, stage
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
    SELECT
        month,
        stage,
        stage_number,
        CAST(microseconds AS DOUBLE) / 3600000000 AS hours,
        stuck_count,
        1 AS entered_count
    FROM stay
    UNION ALL
    SELECT DISTINCT month, stage, stage_number, CAST(NULL AS DOUBLE), 0, 0
    FROM listed_month
    WHERE month <= $run_date
),

stage_month AS (
    SELECT
        month,
        stage,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY hours) AS median_hours,
        CAST(sum(stuck_count) AS BIGINT) AS stuck_count,
        CAST(sum(entered_count) AS BIGINT) AS entered_count,
        min(stage_number) AS stage_number
    FROM stay_or_empty
    GROUP BY month, stage
)

SELECT
    stage_month.month,
    stage_month.stage,
    stage_month.median_hours,
    p90_stay.p90_hours,
    stage_month.stuck_count,
    stage_month.entered_count,
    stage_month.stage_number
FROM stage_month
LEFT JOIN p90_stay ON p90_stay.month = stage_month.month AND p90_stay.stage = stage_month.stage
