/* ---
description: >
  How densely outlets cover the provinces: a row for each province of the reference and kind of outlet, those without
  an outlet included, since these are the gaps. Outlets are counted as the reference lists them, whatever has become of
  their dealer. Market units are the registrations of all brands in the 12 months that end with the latest complete
  month; the own fleet is the units of own brands in the latest census. Both stand against the outlets of the kind;
  without one there is no ratio. Overseas the province is the country.
owner: dealer-development
key: [province, outlet_kind]
columns:
  province: { type: string, title: { zh: 省份, en: Province }, description: "Member of core.region; a country overseas." }
  outlet_kind: { type: string, title: { zh: 网点类型, en: Kind of outlet }, description: "sales, service, parts, warehouse or office." }
  outlet_count: { type: bigint, unit: outlets, title: { zh: 网点数, en: Outlets }, description: Outlets of the kind. }
  market_units_per_outlet: { type: double, unit: units, title: { zh: 每网点市场容量, en: Market units per outlet }, description: Of the trailing 12 months. }
  own_fleet_units_per_outlet: { type: double, unit: units, title: { zh: 每网点自有保有量, en: Own fleet per outlet }, description: Of the latest census. }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  market_units: { type: bigint, unit: units, title: { zh: 市场容量, en: Market units }, description: Registered units of the trailing 12 months. }
  own_fleet_units: { type: bigint, unit: units, title: { zh: 自有保有量, en: Own fleet }, description: Own units of the latest census. }
checks:
  - not_null: [province, outlet_kind, outlet_count, region, market_units, own_fleet_units]
  - expr: outlet_count >= 0 and market_units >= 0 and own_fleet_units >= 0
  - expr: (market_units_per_outlet is null) = (outlet_count = 0) and (own_fleet_units_per_outlet is null) = (outlet_count = 0)
    name: a_ratio_wherever_there_is_an_outlet
  - expr: (SELECT coalesce(sum(outlet_count), 0) FROM dealer.coverage) = (SELECT count(*) FROM core.outlet)
    name: every_outlet_counts_once
  - expr: (SELECT coalesce(sum(own_fleet_units), 0) FROM dealer.coverage WHERE outlet_kind = 'sales') = (SELECT coalesce(sum(units), 0) FROM core.fleet WHERE is_own)
    name: no_machine_of_the_fleet_is_lost
--- */
WITH province_kind AS (
    SELECT region.province, region.region, kind.outlet_kind
    FROM core.region AS region
    CROSS JOIN (VALUES ('sales'), ('service'), ('parts'), ('warehouse'), ('office')) AS kind (outlet_kind)
),

counted_outlet AS (
    SELECT province, kind, count(*) AS outlet_count
    FROM core.outlet
    GROUP BY province, kind
),

market AS (
    SELECT registration.province, CAST(sum(registration.units) AS BIGINT) AS units
    FROM core.registration AS registration
    CROSS JOIN core.latest_period AS latest -- allow join-without-equality: one row
    WHERE registration.month BETWEEN latest.registration_t12m_from AND latest.registration_month
    GROUP BY registration.province
),

own_fleet AS (
    SELECT province, CAST(sum(units) AS BIGINT) AS units
    FROM core.fleet
    WHERE is_own
    GROUP BY province
)

SELECT
    province_kind.province,
    province_kind.outlet_kind,
    coalesce(counted_outlet.outlet_count, 0) AS outlet_count,
    CAST(coalesce(market.units, 0) AS DOUBLE) / nullif(counted_outlet.outlet_count, 0) AS market_units_per_outlet,
    CAST(coalesce(own_fleet.units, 0) AS DOUBLE) / nullif(counted_outlet.outlet_count, 0) AS own_fleet_units_per_outlet,
    province_kind.region,
    coalesce(market.units, 0) AS market_units,
    coalesce(own_fleet.units, 0) AS own_fleet_units
FROM province_kind
LEFT JOIN counted_outlet
    ON counted_outlet.province = province_kind.province
    AND counted_outlet.kind = province_kind.outlet_kind
LEFT JOIN market ON market.province = province_kind.province
LEFT JOIN own_fleet ON own_fleet.province = province_kind.province
