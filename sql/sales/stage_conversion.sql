/* ---
description: >
  How opportunities pass the five stages, by the quarter in which they entered the stage (local date) and their type of
  sale. An opportunity has advanced when its log holds a later stage, in the order of the five; skipped stages are
  passed over. It is lost in the stage when it closed as lost and entered no later one, won likewise, else it is still
  there: entered is the sum of the four. median_days are calendar days from entering the stage to entering the next
  one, over those that advanced. Entries of an opportunity that the CRM does not hold have the sale type `unknown` and
  can only advance or stay.
owner: sales-operations
key: [quarter, sale_type, stage]
columns:
  quarter: { type: date, title: { zh: 季度, en: Quarter }, description: First day of the quarter in which the stage was entered. }
  sale_type: { type: string, title: { zh: 销售类型, en: Sale type }, description: "transactional, relational, cooperative or unknown." }
  stage: { type: string, title: { zh: 阶段, en: Stage }, description: "need, evaluating, resolving, decision or implementing." }
  entered_count: { type: bigint, unit: opportunities, title: { zh: 进入数, en: Entered }, description: Opportunities that entered the stage. }
  advanced_count: { type: bigint, unit: opportunities, title: { zh: 推进数, en: Advanced }, description: Those that entered a later one. }
  lost_count: { type: bigint, unit: opportunities, title: { zh: 丢单数, en: Lost }, description: Those that were lost in it. }
  median_days: { type: double, unit: days, title: { zh: 停留天数中位数, en: Median days }, description: Calendar days until the next stage. }
  won_count: { type: bigint, unit: opportunities, title: { zh: 赢单数, en: Won }, description: Those that were won in it. }
  still_there_count: { type: bigint, unit: opportunities, title: { zh: 停留数, en: Still there }, description: Those that are still in it. }
  advanced_rate: { type: double, unit: rate, title: { zh: 推进率, en: Advanced }, description: Advanced of entered. }
  stage_number: { type: int, title: { zh: 阶段序号, en: Stage number }, description: "Place among the five, from 1." }
checks:
  - not_null: [quarter, sale_type, stage, entered_count, advanced_count, lost_count, won_count, still_there_count, stage_number]
  - accepted_values: { column: stage, values: [need, evaluating, resolving, decision, implementing] }
  - expr: entered_count = advanced_count + lost_count + won_count + still_there_count
    name: parts_make_the_entered
  - expr: advanced_count = 0
    where: stage = 'implementing'
    name: nothing_follows_the_last_stage
  - expr: (median_days is null) = (advanced_count = 0)
  - expr: (SELECT sum(entered_count) FROM sales.stage_conversion) = (SELECT count(*) FROM core.opportunity_stage)
    name: no_entry_is_lost
  - expr: median_days >= 0
    severity: warn
--- */
WITH followed_stage AS (
    -- the next stage that the opportunity has, in the order of the five
    SELECT
        opportunity_id,
        quarter,
        stage,
        stage_number,
        entered_date,
        -- allow order-not-total: each of the five stages has a number of its own
        lead(entered_date) OVER (PARTITION BY opportunity_id ORDER BY stage_number) AS next_entered_date
    FROM core.opportunity_stage
),

judged_stage AS (
    SELECT
        stage.quarter,
        coalesce(opportunity.sale_type, 'unknown') AS sale_type,
        stage.stage,
        stage.stage_number,
        CAST(stage.next_entered_date - stage.entered_date AS DOUBLE) AS days,
        CASE
            WHEN stage.next_entered_date IS NOT NULL THEN 'advanced'
            ELSE coalesce(opportunity.status, 'open')
        END AS outcome
    FROM followed_stage AS stage
    LEFT JOIN core.opportunity AS opportunity ON opportunity.opportunity_id = stage.opportunity_id
)

SELECT
    quarter,
    sale_type,
    stage,
    count(*) AS entered_count,
    count(*) FILTER (WHERE outcome = 'advanced') AS advanced_count,
    count(*) FILTER (WHERE outcome = 'lost') AS lost_count,
    exact_quantile(days, 0.5) AS median_days,
    count(*) FILTER (WHERE outcome = 'won') AS won_count,
    count(*) FILTER (WHERE outcome = 'open') AS still_there_count,
    CAST(count(*) FILTER (WHERE outcome = 'advanced') AS DOUBLE) / count(*) AS advanced_rate,
    stage_number
FROM judged_stage
GROUP BY quarter, sale_type, stage, stage_number
