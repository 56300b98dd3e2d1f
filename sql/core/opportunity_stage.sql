/* ---
description: >
  Stages that opportunities have entered, in the order of the five. The month is that of the local date of the entry.
owner: sales-operations
key: [opportunity_id, stage]
columns:
  opportunity_id: { type: string, title: { zh: 商机号, en: Opportunity }, description: Number of the opportunity. }
  stage: { type: string, title: { zh: 阶段, en: Stage }, description: "need, evaluating, resolving, decision or implementing." }
  stage_number: { type: int, title: { zh: 阶段序号, en: Stage number }, description: "Place among the five, from 1." }
  entered_at: { type: timestamp, title: { zh: 进入时间, en: Entered at }, description: Moment of entering. }
  entered_date: { type: date, title: { zh: 进入日期, en: Entered on }, description: Local day of entering. }
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the local month of entering. }
  quarter: { type: date, title: { zh: 季度, en: Quarter }, description: First day of the local quarter of entering. }
checks:
  - not_null: [opportunity_id, stage, stage_number, entered_at, entered_date, month, quarter]
  - unique: [opportunity_id, stage]
  - accepted_values: { column: stage, values: [need, evaluating, resolving, decision, implementing] }
--- */
WITH entered_stage AS (
    SELECT
        opportunity_id,
        stage,
        -- domain.md, section 2, crm_opportunity: the order of the five
        CAST(array_position(['need', 'evaluating', 'resolving', 'decision', 'implementing'], stage) AS INT) AS stage_number,
        entered_at,
        local_date(entered_at, $timezone) AS entered_date
    FROM staged.crm_opportunity_stage
)

SELECT
    opportunity_id,
    stage,
    stage_number,
    entered_at,
    entered_date,
    CAST(date_trunc('month', entered_date) AS DATE) AS month,
    CAST(date_trunc('quarter', entered_date) AS DATE) AS quarter
FROM entered_stage
