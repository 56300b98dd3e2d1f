/* ---
description: >
  Campaigns as delivered, with the members by which they are rolled up. A campaign for no region or product type in
  particular has NULL there; one that no reference names is `unknown`. The quarter is that of the first day.
owner: marketing
key: [campaign_id]
columns:
  campaign_id: { type: string, title: { zh: 活动号, en: Campaign }, description: Number of the campaign. }
  kind: { type: string, title: { zh: 类别, en: Kind }, description: "exhibition, advertising, seminar or promotion." }
  from_date: { type: date, title: { zh: 开始日期, en: From }, description: First day. }
  to_date: { type: date, title: { zh: 结束日期, en: To }, description: Last day; NULL where the end was not recorded. }
  quarter: { type: date, title: { zh: 季度, en: Quarter }, description: First day of the quarter in which it begins. }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region of core.region; NULL for all. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type of core.product; NULL for all. }
  cost_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 费用, en: Cost }, description: What it cost; NULL where not known. }
checks:
  - not_null: [campaign_id, kind, from_date, quarter]
  - unique: [campaign_id]
  - accepted_values: { column: kind, values: [exhibition, advertising, seminar, promotion] }
  - expr: to_date >= from_date
  - expr: cost_amount >= 0
    severity: warn
  - expr: region <> 'unknown' and product_type <> 'unknown'
    severity: warn
    name: codes_in_the_reference
--- */
WITH known_region AS (
    SELECT DISTINCT region FROM core.region
),

known_product_type AS (
    SELECT DISTINCT product_type FROM core.product
)

SELECT
    campaign.campaign_id,
    campaign.kind,
    campaign."from" AS from_date,
    campaign."to" AS to_date,
    CAST(date_trunc('quarter', campaign."from") AS DATE) AS quarter,
    CASE WHEN campaign.region IS NOT NULL THEN coalesce(known_region.region, 'unknown') END AS region,
    CASE WHEN campaign.product_type IS NOT NULL THEN coalesce(known_product_type.product_type, 'unknown') END AS product_type,
    campaign.cost_amount
FROM staged.campaign AS campaign
LEFT JOIN known_region ON known_region.region = campaign.region
LEFT JOIN known_product_type ON known_product_type.product_type = campaign.product_type
