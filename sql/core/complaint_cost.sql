/* ---
description: What a complaint of a kind and priority costs the house.
owner: customer-service
key: [kind, priority]
columns:
  kind: { type: string, title: { zh: 投诉类别, en: Kind }, description: product or service. }
  priority: { type: string, title: { zh: 等级, en: Priority }, description: "A, B or C." }
  amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 金额, en: Amount }, description: Cost of one complaint. }
checks:
  - not_null: [kind, priority, amount]
  - accepted_values: { column: kind, values: [product, service] }
  - accepted_values: { column: priority, values: [A, B, C] }
  - expr: amount >= 0
  - row_count: { min: 6, max: 6 }
    name: every_kind_and_priority_has_a_cost
--- */
SELECT
    kind,
    priority,
    amount
FROM staged.complaint_cost
