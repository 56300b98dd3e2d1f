/* ---
description: >
  Stages that orders have entered, in the order of the eight; a check that failed is entered again as the next attempt.
  The month is that of the local date on which the stage was entered. Orders that core.sales_order does not know keep
  their rows. The dealer is the member of core.dealer beside the code as delivered. result is that of the two checks
  (checked and confirmed).
owner: sales-operations
key: [dealer_code, order_no, stage, attempt]
partition_by: [month]
columns:
  dealer_code: { type: string, title: { zh: 经销商编码, en: Dealer code }, description: Code as delivered. }
  order_no: { type: string, title: { zh: 订单号, en: Order number }, description: Order number of the dealer. }
  stage: { type: string, title: { zh: 环节, en: Stage }, description: Name of the stage. }
  attempt: { type: int, title: { zh: 次数, en: Attempt }, description: "Attempt, from 1." }
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the local month in which the stage was entered. }
  dealer: { type: string, title: { zh: 经销商, en: Dealer }, description: Member of core.dealer. }
  stage_number: { type: int, title: { zh: 环节序号, en: Stage number }, description: "Place among the eight, from 1." }
  entered_at: { type: timestamp, title: { zh: 进入时间, en: Entered at }, description: Moment of entering. }
  entered_date: { type: date, title: { zh: 进入日期, en: Entered on }, description: Local day of entering. }
  result: { type: boolean, title: { zh: 结果, en: Result }, description: Whether the check was passed. }
checks:
  - not_null: [dealer_code, order_no, stage, attempt, month, dealer, stage_number, entered_at, entered_date]
  - accepted_values: { column: stage, values: [received, checked, entered, confirmed, posted, picked, shipped, accepted] }
  - relationships: { column: dealer, to: core.dealer, field: dealer_code }
  - expr: month = date_trunc('month', entered_date)
  - expr: attempt >= 1
    severity: warn
  - expr: result is null or stage in ('checked', 'confirmed')
    severity: warn
    name: only_checks_have_a_result
--- */
SELECT
    stage.dealer_code,
    stage.order_no,
    stage.stage,
    stage.attempt,
    stage.entered_month AS month,
    coalesce(dealer.dealer_code, 'unknown') AS dealer,
    -- domain.md, section 2, order_stage: the order of the eight
    CAST(
        array_position(
            ['received', 'checked', 'entered', 'confirmed', 'posted', 'picked', 'shipped', 'accepted'],
            stage.stage
        ) AS INT
    ) AS stage_number,
    stage.entered_at,
    local_date(stage.entered_at, $timezone) AS entered_date,
    stage.result
FROM staged.order_stage AS stage
LEFT JOIN core.dealer AS dealer ON dealer.dealer_code = stage.dealer_code
WHERE stage.entered_at IS NOT NULL
