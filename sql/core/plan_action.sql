/* ---
description: >
  Actions and reviews that the plan of an account calls for, with the customer of the account. They are taken as
  delivered, whatever the run date, but one that was done after run_date is not done yet.
owner: customer-management
key: [account_id, year, kind, owner, department, due_date]
columns:
  account_id: { type: string, title: { zh: 客户号, en: Account }, description: Account as delivered. }
  year: { type: int, title: { zh: 年度, en: Year }, description: Year of the plan. }
  kind: { type: string, title: { zh: 类别, en: Kind }, description: action or review. }
  owner: { type: string, title: { zh: 负责人, en: Owner }, description: Who is to do it. }
  department: { type: string, title: { zh: 部门, en: Department }, description: Department of the owner. }
  due_date: { type: date, title: { zh: 应完成日期, en: Due on }, description: Day by which it is to be done. }
  done_date: { type: date, title: { zh: 完成日期, en: Done on }, description: Day on which it was done; NULL while it is not. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: "Customer of the account, `unknown` where none is known." }
checks:
  - not_null: [account_id, year, kind, owner, department, due_date, customer_id]
  - accepted_values: { column: kind, values: [action, review] }
  - relationships: { column: account_id, to: core.account, field: account_id }
    severity: warn
--- */
SELECT
    action.account_id,
    action.year,
    action.kind,
    action.owner,
    action.department,
    action.due_on AS due_date,
    action.done_on AS done_date,
    coalesce(account.customer_id, 'unknown') AS customer_id
FROM staged.plan_action AS action
LEFT JOIN core.account AS account ON account.account_id = action.account_id
