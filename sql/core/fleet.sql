/* ---
description: >
  Machines of all brands that customers have: the rows of each account's latest census as of run_date. An account
  that was not counted again keeps the rows of the census before. The customer is that of the account; an account that
  the CRM does not know is the customer `unknown`. Place: that of the account, else that of its customer. A brand that no reference names is the member `unknown`; the word of the extract stays beside
  it. A machine without a purchase date counts as bought in its model year.
owner: market-research
key: [account_id, source_brand, product_type, series, model_year]
columns:
  account_id: { type: string, title: { zh: 客户号, en: Account }, description: Account as delivered. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: "Customer of the account, `unknown` where it has none." }
  census_date: { type: date, title: { zh: 盘点日期, en: Census date }, description: Day of the account's latest census. }
  brand: { type: string, title: { zh: 品牌, en: Brand }, description: Member of core.brand. }
  is_own: { type: boolean, title: { zh: 是否自有, en: Is own }, description: The brand's role is own. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  series: { type: string, title: { zh: 系列, en: Series }, description: Product series. }
  model_year: { type: int, title: { zh: 年款, en: Model year }, description: Year of the model. }
  units: { type: bigint, unit: units, title: { zh: 台数, en: Units }, description: Machines counted. }
  purchase_date: { type: date, title: { zh: 购入日期, en: Purchase date }, description: Day of purchase where known. }
  purchase_year: { type: int, title: { zh: 购入年份, en: Purchase year }, description: "Year of the purchase date, else the model year." }
  purchase_channel: { type: string, title: { zh: 购入渠道, en: Purchase channel }, description: "Channel of the purchase, `unknown` where not given." }
  rating: { type: double, unit: points 1..10, title: { zh: 评价, en: Rating }, description: What the customer thinks of the machines. }
  province: { type: string, title: { zh: 省份, en: Province }, description: "Member of core.region; a country overseas." }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  country: { type: string, title: { zh: 国家, en: Country }, description: Country. }
  source_brand: { type: string, title: { zh: 原品牌, en: Brand as delivered }, description: Brand as delivered. }
checks:
  - not_null: [account_id, customer_id, census_date, brand, is_own, product_type, units, purchase_year, purchase_channel, province, region, country]
  - relationships: { column: brand, to: core.brand, field: brand }
  - relationships: { column: province, to: core.region, field: province }
  - expr: units >= 0
  - expr: rating between 1 and 10
    severity: warn
  - expr: customer_id <> 'unknown'
    severity: warn
    name: account_in_the_crm
  - expr: brand <> 'unknown'
    severity: warn
    name: brand_in_the_reference
  - expr: purchase_date <= census_date
    severity: warn
    name: bought_before_it_was_counted
--- */
WITH latest_count AS (
    SELECT account_id, max(census_on) AS census_on
    FROM staged.fleet_census
    GROUP BY account_id
)

SELECT
    counted.account_id,
    coalesce(account.customer_id, 'unknown') AS customer_id,
    counted.census_on AS census_date,
    coalesce(brand.brand, 'unknown') AS brand,
    coalesce(brand.is_own, false) AS is_own,
    counted.product_type,
    counted.series,
    counted.model_year,
    counted.units,
    counted.purchase_date,
    coalesce(CAST(date_part('year', counted.purchase_date) AS INT), counted.model_year) AS purchase_year,
    coalesce(counted.purchase_channel, 'unknown') AS purchase_channel,
    counted.rating,
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    coalesce(region.country, nullif(account.country, 'unknown'), customer.country, 'unknown') AS country,
    counted.brand AS source_brand
FROM staged.fleet_census AS counted
JOIN latest_count AS latest ON latest.account_id = counted.account_id AND latest.census_on = counted.census_on
LEFT JOIN core.account AS account ON account.account_id = counted.account_id
LEFT JOIN core.customer_place AS customer ON customer.customer_id = account.customer_id
LEFT JOIN core.brand AS brand ON brand.brand = counted.brand
LEFT JOIN core.region AS region ON region.province = coalesce(nullif(account.province, 'unknown'), customer.place)
