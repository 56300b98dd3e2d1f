/* ---
description: >
  What is planned with an account in a year, by product type and region, with the customer of the account. Plans are
  taken as delivered, whatever the run date. Product type and region stay as the plan names them.
owner: customer-management
key: [account_id, year, product_type, region]
columns:
  account_id: { type: string, title: { zh: 客户号, en: Account }, description: Account as delivered. }
  year: { type: int, title: { zh: 年度, en: Year }, description: Year of the plan. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: "Customer of the account, `unknown` where none is known." }
  planned_revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 计划收入, en: Planned revenue }, description: Revenue planned. }
  planned_contribution_rate: { type: double, unit: share, title: { zh: 计划贡献率, en: Planned contribution rate }, description: "Contribution of revenue, planned." }
  planned_account_cost: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 计划客户费用, en: Planned account cost }, description: Cost of visits planned. }
  planned_wallet_share: { type: double, unit: share, title: { zh: 计划份额, en: Planned wallet share }, description: Own part of the fleet planned. }
checks:
  - not_null: [account_id, year, product_type, region, customer_id]
  - relationships: { column: account_id, to: core.account, field: account_id }
    severity: warn
  - relationships: { column: region, to: core.region, field: region }
    severity: warn
  - expr: planned_wallet_share between 0 and 1
--- */
SELECT
    plan.account_id,
    plan.year,
    plan.product_type,
    plan.region,
    coalesce(account.customer_id, 'unknown') AS customer_id,
    plan.planned_revenue,
    plan.planned_contribution_rate,
    plan.planned_account_cost,
    plan.planned_wallet_share
FROM staged.account_plan AS plan
LEFT JOIN core.account AS account ON account.account_id = plan.account_id
