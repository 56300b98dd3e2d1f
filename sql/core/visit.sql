/* ---
description: >
  Visits to accounts, with the customer and the place of the account. The person who was met stays private: only the
  buying role of that person is here, NULL where the visit names nobody whom the CRM knows.
owner: sales-operations
key: [visit_id]
partition_by: [month]
columns:
  visit_id: { type: string, title: { zh: 拜访号, en: Visit }, description: Number of the visit. }
  account_id: { type: string, title: { zh: 客户号, en: Account }, description: Account as delivered. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: "Customer of the account, `unknown` where none is known." }
  visited_date: { type: date, title: { zh: 拜访日期, en: Visited on }, description: Day of the visit. }
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the month of the visit. }
  minutes: { type: bigint, unit: minutes, title: { zh: 时长, en: Minutes }, description: Duration; NULL where not known. }
  visitor: { type: string, title: { zh: 拜访人, en: Visitor }, description: Who visited. }
  visitor_role: { type: string, title: { zh: 拜访人角色, en: Visitor role }, description: "key_account_manager, regional_manager, seller, service or executive; `unknown` where not given." }
  buying_role: { type: string, title: { zh: 采购角色, en: Buying role }, description: "decider, influencer, user or buyer: the person met." }
  opportunity_id: { type: string, title: { zh: 商机号, en: Opportunity }, description: Opportunity that the visit was about. }
  report_filed_date: { type: date, title: { zh: 报告日期, en: Report filed on }, description: Day of the visit report. }
  purpose: { type: string, title: { zh: 目的, en: Purpose }, description: Purpose. }
  province: { type: string, title: { zh: 省份, en: Province }, description: "Place of the account, member of core.region." }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  country: { type: string, title: { zh: 国家, en: Country }, description: Country. }
checks:
  - not_null: [visit_id, account_id, customer_id, visited_date, month, visitor_role, province, region, country]
  - unique: [visit_id]
  - accepted_values: { column: visitor_role, values: [key_account_manager, regional_manager, seller, service, executive, unknown] }
  - expr: month = date_trunc('month', visited_date)
  - relationships: { column: account_id, to: core.account, field: account_id }
    severity: warn
  - expr: minutes >= 0
    severity: warn
  - expr: report_filed_date >= visited_date
    severity: warn
    name: report_after_the_visit
--- */
SELECT
    visit.visit_id,
    visit.account_id,
    coalesce(account.customer_id, 'unknown') AS customer_id,
    visit.visited_on AS visited_date,
    visit.visited_month AS month,
    CAST(visit.minutes AS BIGINT) AS minutes,
    visit.visitor,
    coalesce(visit.visitor_role, 'unknown') AS visitor_role,
    contact.buying_role,
    visit.opportunity_id,
    visit.report_filed_on AS report_filed_date,
    visit.purpose,
    coalesce(account.province, 'unknown') AS province,
    coalesce(account.region, 'unknown') AS region,
    coalesce(account.country, 'unknown') AS country
FROM staged.crm_visit AS visit
LEFT JOIN core.account AS account ON account.account_id = visit.account_id
LEFT JOIN staged.crm_contact AS contact ON contact.contact_id = visit.contact_id
