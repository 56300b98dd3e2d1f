/* ---
description: >
  Targets of managers, dealers and regions for a period, with the member that they are for: a dealer or a region that
  no reference names is `unknown`, a manager is the name as in the assignments. `target` is money for the measure
  revenue and machines for units; the rule that types follow names makes an exception here.
owner: sales-operations
key: [period_from_date, period_to_date, owner_kind, owner_id, measure]
columns:
  period_from_date: { type: date, title: { zh: 起始日, en: Period from }, description: First day of the period. }
  period_to_date: { type: date, title: { zh: 截止日, en: Period to }, description: Last day of the period. }
  owner_kind: { type: string, title: { zh: 对象类别, en: Owner kind }, description: "manager, dealer or region." }
  owner_id: { type: string, title: { zh: 对象, en: Owner }, description: "Manager, dealer code or region as delivered." }
  measure: { type: string, title: { zh: 指标, en: Measure }, description: revenue or units. }
  owner_member: { type: string, title: { zh: 对象成员, en: Owner member }, description: "The manager, or the member of core.dealer or core.region." }
  target: { type: "decimal(18,2)", unit: reporting currency or units, title: { zh: 目标, en: Target }, description: Target of the whole period. }
  is_quarter: { type: boolean, title: { zh: 是否季度, en: Is quarter }, description: The period is a calendar quarter. }
checks:
  - not_null: [period_from_date, period_to_date, owner_kind, owner_id, measure, owner_member, target, is_quarter]
  - unique: [period_from_date, period_to_date, owner_kind, owner_id, measure]
  - accepted_values: { column: owner_kind, values: [manager, dealer, region] }
  - accepted_values: { column: measure, values: [revenue, units] }
  - expr: period_to_date >= period_from_date and target >= 0
  - expr: owner_member <> 'unknown'
    severity: warn
    name: owner_in_the_reference
--- */
WITH known_region AS (
    SELECT DISTINCT region FROM core.region
)

SELECT
    target.period_from AS period_from_date,
    target.period_to AS period_to_date,
    target.owner_kind,
    target.owner_id,
    target.measure,
    CASE target.owner_kind
        WHEN 'dealer' THEN coalesce(dealer.dealer_code, 'unknown')
        WHEN 'region' THEN coalesce(known_region.region, 'unknown')
        ELSE target.owner_id
    END AS owner_member,
    target.target,
    target.period_from = date_trunc('quarter', target.period_from)
        AND target.period_to = date_trunc('quarter', target.period_from) + INTERVAL '3 months' - INTERVAL '1 day' AS is_quarter
FROM staged.crm_target AS target
LEFT JOIN core.dealer AS dealer ON dealer.dealer_code = target.owner_id
LEFT JOIN known_region ON known_region.region = target.owner_id
