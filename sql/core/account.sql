/* ---
description: >
  Accounts of the CRM as delivered, with the customer that identification found and the members by which they are
  rolled up. An account that names no customer belongs to the customer `unknown`. Place: the country overseas, else
  the province, of the account, else of its customer.
owner: sales-operations
key: [account_id]
columns:
  account_id: { type: string, title: { zh: 客户号, en: Account }, description: Number of the account. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: "The customer, `unknown` where the account names none." }
  name: { type: string, title: { zh: 客户名称, en: Name }, description: Name of the account. }
  kind: { type: string, title: { zh: 客户类别, en: Kind }, description: "dealer, power_utility, industrial and so on; `unknown` where not given." }
  province: { type: string, title: { zh: 省份, en: Province }, description: "Member of core.region; a country overseas." }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  country: { type: string, title: { zh: 国家, en: Country }, description: Country. }
  industry: { type: string, title: { zh: 行业, en: Industry }, description: Member of core.industry. }
  industry_group: { type: string, title: { zh: 行业大类, en: Industry group }, description: Upper level of the industry. }
  size_revenue_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 年营业额, en: Yearly revenue }, description: Yearly revenue of the account itself. }
  employee_count: { type: bigint, unit: people, title: { zh: 员工数, en: Employees }, description: People employed. }
  credit_grade: { type: string, title: { zh: 信用等级, en: Credit grade }, description: A to D. }
  relationship_level: { type: string, title: { zh: 关系等级, en: Relationship level }, description: "vendor, preferred, partner or alliance." }
  parent_account_id: { type: string, title: { zh: 上级客户号, en: Parent account }, description: Account of the parent company. }
  referred_by_account_id: { type: string, title: { zh: 介绍人客户号, en: Referred by account }, description: Account that referred this one. }
  agreement_date: { type: date, title: { zh: 协议起始日, en: Agreement from }, description: First day of the agreement. }
  verified_date: { type: date, title: { zh: 核实日期, en: Verified on }, description: Day on which the record was last verified. }
checks:
  - not_null: [account_id, customer_id, kind, province, region, country, industry, industry_group]
  - unique: [account_id]
  - relationships: { column: province, to: core.region, field: province }
  - relationships: { column: industry, to: core.industry, field: industry }
  - expr: customer_id <> 'unknown'
    severity: warn
    name: account_names_a_customer
  - expr: region <> 'unknown'
    severity: warn
    name: place_in_the_reference
--- */
WITH home_country AS (
    SELECT DISTINCT country FROM core.region WHERE is_domestic
),

placed_account AS (
    -- domain.md, section 1, "Place": by country overseas, else by province
    SELECT
        account.*,
        CASE
            WHEN account.country IS NOT NULL AND home_country.country IS NULL THEN account.country
            ELSE coalesce(account.province, customer.place)
        END AS place
    FROM staged.crm_account AS account
    LEFT JOIN home_country ON home_country.country = account.country
    LEFT JOIN core.customer_place AS customer ON customer.customer_id = account.customer_id
)

SELECT
    account.account_id,
    coalesce(account.customer_id, 'unknown') AS customer_id,
    account.name,
    coalesce(account.kind, 'unknown') AS kind,
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    coalesce(region.country, account.country, 'unknown') AS country,
    coalesce(industry.industry, 'unknown') AS industry,
    coalesce(industry.industry_group, 'unknown') AS industry_group,
    account.size_revenue_amount,
    account.employee_count,
    account.credit_grade,
    account.relationship_level,
    account.parent_account_id,
    account.referred_by_account_id,
    account.agreement_from AS agreement_date,
    account.verified_on AS verified_date
FROM placed_account AS account
LEFT JOIN core.region AS region ON region.province = account.place
LEFT JOIN core.industry AS industry ON industry.industry = account.industry
