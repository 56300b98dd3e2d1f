/* ---
description: >
  Places in which dealers sell, serve or store, as the reference delivers them, with the member of the province and of
  the dealer.
owner: dealer-development
key: [source_province, kind, source_dealer]
columns:
  province: { type: string, title: { zh: 省份, en: Province }, description: "Member of core.region; a country overseas." }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  kind: { type: string, title: { zh: 网点类型, en: Kind }, description: "sales, service, parts, warehouse or office." }
  dealer: { type: string, title: { zh: 经销商, en: Dealer }, description: Member of core.dealer. }
  source_province: { type: string, title: { zh: 原省份, en: Province as delivered }, description: Province as delivered. }
  source_dealer: { type: string, title: { zh: 原经销商, en: Dealer as delivered }, description: Dealer as delivered. }
checks:
  - not_null: [province, region, kind, dealer]
  - accepted_values: { column: kind, values: [sales, service, parts, warehouse, office] }
  - relationships: { column: province, to: core.region, field: province }
  - relationships: { column: dealer, to: core.dealer, field: dealer_code }
  - expr: province <> 'unknown' and dealer <> 'unknown'
    severity: warn
    name: codes_in_the_reference
--- */
SELECT
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    outlet.kind,
    coalesce(dealer.dealer_code, 'unknown') AS dealer,
    outlet.province AS source_province,
    outlet.dealer AS source_dealer
FROM staged.outlet AS outlet
LEFT JOIN core.region AS region ON region.province = outlet.province
LEFT JOIN core.dealer AS dealer ON dealer.dealer_code = outlet.dealer
