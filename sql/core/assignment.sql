/* ---
description: >
  Who looks after an account in which role, and from when to when (valid_to is the first day on which it no longer
  holds), with the customer of the account. Assignments are taken as delivered: readers compare them with the day
  that they ask about. One whose end does not lie after its beginning holds on no day.
owner: sales-operations
key: [account_id, role, manager, valid_from]
columns:
  account_id: { type: string, title: { zh: 客户号, en: Account }, description: Number of the account. }
  role: { type: string, title: { zh: 角色, en: Role }, description: "manager, executive, tech, market or maintenance." }
  manager: { type: string, title: { zh: 负责人, en: Manager }, description: Who is assigned. }
  valid_from: { type: date, title: { zh: 起始日, en: Valid from }, description: First day. }
  valid_to: { type: date, title: { zh: 截止日, en: Valid to }, description: First day on which it no longer holds; NULL while it does. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: "Customer of the account, `unknown` where no account or customer is known." }
checks:
  - not_null: [account_id, role, manager, valid_from, customer_id]
  - unique: [account_id, role, manager, valid_from]
  - accepted_values: { column: role, values: [manager, executive, tech, market, maintenance] }
  - relationships: { column: account_id, to: core.account, field: account_id }
    severity: warn
  - expr: valid_to > valid_from
    severity: warn
    name: assignment_holds_on_some_day
--- */
SELECT
    assignment.account_id,
    assignment.role,
    assignment.manager,
    assignment.valid_from,
    assignment.valid_to,
    coalesce(account.customer_id, 'unknown') AS customer_id
FROM staged.crm_assignment AS assignment
LEFT JOIN core.account AS account ON account.account_id = assignment.account_id
