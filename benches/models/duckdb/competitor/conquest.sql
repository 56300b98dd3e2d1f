-- domain.md, section 5: customers whose fleet is mostly not ours, and the machines of others that are old enough.
WITH policy AS (
    SELECT max(value) FILTER (key = 'competitor.conquest.own_share_below') AS share_below,
        max(value) FILTER (key = 'competitor.conquest.replacement_age_years') AS age_years
    FROM core.policy WHERE valid_from <= getvariable('run_date') AND (valid_to IS NULL OR valid_to > getvariable('run_date'))
),
fleet AS (
    SELECT customer_id, product_type, sum(units)::BIGINT AS fleet_units, coalesce(sum(units) FILTER (is_own), 0)::BIGINT AS own_fleet_units,
        coalesce(sum(units) FILTER (NOT is_own), 0)::BIGINT AS competitor_fleet_units,
        coalesce(sum(units) FILTER (NOT is_own AND CASE WHEN purchase_date IS NULL THEN year(getvariable('run_date')) - model_year >= age_years
            ELSE date_sub('month', purchase_date, getvariable('run_date')) >= 12 * age_years END), 0)::BIGINT AS replacement_units
    FROM core.fleet, policy
    WHERE customer_id <> 'unknown'
    GROUP BY ALL
)
SELECT customer_id, product_type, own_fleet_units / fleet_units::DOUBLE AS own_fleet_share, replacement_units,
    CASE WHEN product_type <> 'unknown' THEN rank() OVER (PARTITION BY product_type ORDER BY replacement_units DESC) END AS rank, fleet_units, own_fleet_units, competitor_fleet_units
FROM fleet, policy
WHERE fleet_units > 0 AND round(own_fleet_units / fleet_units::DOUBLE, 12) < share_below
