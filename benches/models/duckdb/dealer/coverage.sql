-- domain.md, section 8: outlets of each province and kind, and what stands against each of them.
WITH kind AS (
    SELECT unnest(['sales', 'service', 'parts', 'warehouse', 'office']) AS outlet_kind
    UNION SELECT DISTINCT kind FROM core.outlet
),
opened AS (
    SELECT province, kind AS outlet_kind, count(*) AS outlet_count FROM core.outlet GROUP BY ALL
),
market AS (
    SELECT province, sum(units)::BIGINT AS units
    FROM core.registration, core.latest_period
    WHERE month BETWEEN registration_t12m_from AND registration_month
    GROUP BY province
),
fleet AS (
    SELECT province, sum(units)::BIGINT AS units FROM core.fleet WHERE is_own GROUP BY province
)
SELECT
    region.province, kind.outlet_kind, coalesce(outlet_count, 0) AS outlet_count,
    coalesce(market.units, 0) / nullif(outlet_count, 0)::DOUBLE AS market_units_per_outlet,
    coalesce(fleet.units, 0) / nullif(outlet_count, 0)::DOUBLE AS own_fleet_units_per_outlet,
    region.region, coalesce(market.units, 0) AS market_units, coalesce(fleet.units, 0) AS own_fleet_units
FROM core.region CROSS JOIN kind
LEFT JOIN opened USING (province, outlet_kind)
LEFT JOIN market USING (province)
LEFT JOIN fleet USING (province)
