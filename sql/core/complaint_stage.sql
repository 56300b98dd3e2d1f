/* ---
description: >
  Steps that complaints have entered, in the order of the nine stages. A step whose time is not known, or lies after
  run_date, has not been entered and has no row. The month is that of the local date on which the step was entered.
owner: customer-service
key: [complaint_id, stage]
partition_by: [month]
columns:
  complaint_id: { type: string, title: { zh: 投诉编号, en: Complaint }, description: Number of the complaint. }
  stage: { type: string, title: { zh: 环节, en: Stage }, description: Name of the step. }
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the local month in which the step was entered. }
  stage_number: { type: int, title: { zh: 环节序号, en: Stage number }, description: "Place among the nine, from 1." }
  entered_at: { type: timestamp, title: { zh: 进入时间, en: Entered at }, description: Moment of entering. }
checks:
  - not_null: [complaint_id, stage, month, stage_number, entered_at]
  - unique: [complaint_id, stage]
  - accepted_values: { column: stage, values: [received, registered, analysed, dispatched, handled, answered, followed_up, evaluated, summarised] }
  - relationships: { column: complaint_id, to: core.complaint, field: complaint_id }
    severity: warn
--- */
SELECT
    complaint_id,
    stage,
    entered_month AS month,
    -- domain.md, section 2, complaint_stage: the order of the nine
    CAST(
        array_position(
            ['received', 'registered', 'analysed', 'dispatched', 'handled', 'answered', 'followed_up', 'evaluated', 'summarised'],
            stage
        ) AS INT
    ) AS stage_number,
    entered_at
FROM staged.complaint_stage
WHERE entered_at IS NOT NULL
