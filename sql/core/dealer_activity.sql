/* ---
description: >
  What was done with and for each dealer, one value per dealer, month and kind: training days, association meetings,
  consulting visits, awards (numbers) and support (money, in the reporting currency as delivered). A dealer that the
  reference does not name is the member `unknown` of the column dealer.
owner: dealer-development
key: [dealer_code, month, kind]
columns:
  dealer_code: { type: string, title: { zh: 经销商编码, en: Dealer code }, description: Code as delivered. }
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the month. }
  kind: { type: string, title: { zh: 活动类别, en: Kind }, description: "training_days, association_meeting, consulting_visit, award or support_amount." }
  dealer: { type: string, title: { zh: 经销商, en: Dealer }, description: Member of core.dealer. }
  quarter: { type: date, title: { zh: 季度, en: Quarter }, description: First day of the quarter. }
  value: { type: "decimal(18,2)", title: { zh: 数值, en: Value }, description: "Days, number or money, as the kind says." }
checks:
  - not_null: [dealer_code, month, kind, dealer, quarter]
  - relationships: { column: dealer, to: core.dealer, field: dealer_code }
  - expr: month = date_trunc('month', month)
  - expr: value >= 0
    severity: warn
--- */
SELECT
    activity.dealer_code,
    activity.month,
    activity.kind,
    coalesce(dealer.dealer_code, 'unknown') AS dealer,
    CAST(date_trunc('quarter', activity.month) AS DATE) AS quarter,
    CAST(activity.value AS DECIMAL(18, 2)) AS value
FROM staged.dealer_activity AS activity
LEFT JOIN core.dealer AS dealer ON dealer.dealer_code = activity.dealer_code
