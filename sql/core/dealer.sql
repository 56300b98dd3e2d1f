/* ---
description: >
  Dealers as the reference delivers them, with the region and country of their seat. The member `unknown` takes the
  facts of a dealer code that the reference does not name; a count of dealers leaves it out.
owner: data-platform
key: [dealer_code]
columns:
  dealer_code: { type: string, title: { zh: 经销商编码, en: Dealer code }, description: Code of the dealer. }
  name: { type: string, title: { zh: 经销商名称, en: Dealer name }, description: Name of the dealer. }
  province: { type: string, title: { zh: 省份, en: Province }, description: "Province of the seat, or the country where it lies overseas." }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region of the seat. }
  country: { type: string, title: { zh: 国家, en: Country }, description: Country of the seat. }
  joined_date: { type: date, title: { zh: 加盟日期, en: Joined on }, description: First day as a dealer. }
  left_date: { type: date, title: { zh: 退出日期, en: Left on }, description: "Day on which the dealer left; NULL while active." }
  credit_grade: { type: string, title: { zh: 信用等级, en: Credit grade }, description: Credit grade A to D. }
  is_backbone: { type: boolean, title: { zh: 是否骨干, en: Is backbone }, description: Backbone dealer. }
  coach: { type: string, title: { zh: 辅导员, en: Coach }, description: Employee who coaches the dealer. }
  authorized_regions: { type: string, title: { zh: 授权区域, en: Authorized regions }, description: "Regions in which the dealer may sell, as delivered." }
checks:
  - not_null: [dealer_code, province, region, country]
  - unique: [dealer_code]
  - expr: left_date is null or joined_date is null or left_date >= joined_date
    severity: warn
  - relationships: { column: province, to: core.region, field: province }
  - expr: province <> 'unknown'
    where: dealer_code <> 'unknown'
    severity: warn
    name: dealer_without_a_known_province
--- */
SELECT
    dealer.dealer_code,
    dealer.name,
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    coalesce(region.country, 'unknown') AS country,
    dealer.joined_on AS joined_date,
    dealer.left_on AS left_date,
    dealer.credit_grade,
    dealer.is_backbone,
    dealer.coach,
    dealer.authorized_regions
FROM staged.dealer AS dealer
LEFT JOIN core.region AS region ON region.province = dealer.province
WHERE dealer.dealer_code <> 'unknown'
UNION ALL
SELECT
    'unknown', 'unknown', 'unknown', 'unknown', 'unknown',
    CAST(NULL AS DATE), CAST(NULL AS DATE), CAST(NULL AS VARCHAR), CAST(NULL AS BOOLEAN), CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR)
