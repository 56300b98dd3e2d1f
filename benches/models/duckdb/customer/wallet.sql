-- domain.md, section 6: own machines of all, by customer and type of machine.
WITH kind AS (
    SELECT product_type FROM core.product WHERE product_class = 'machine'
    UNION
    SELECT product_type FROM core.fleet
),
fleet AS (
    SELECT customer_id, product_type, sum(units) AS fleet_units, sum(units) FILTER (WHERE is_own) AS own_fleet_units
    FROM core.fleet
    GROUP BY customer_id, product_type
)
SELECT
    customer.customer_id,
    kind.product_type,
    coalesce(fleet.own_fleet_units, 0)::BIGINT AS own_fleet_units,
    coalesce(fleet.fleet_units, 0)::BIGINT AS fleet_units,
    coalesce(fleet.own_fleet_units, 0)::DOUBLE / nullif(fleet.fleet_units, 0) AS wallet_share
FROM core.customer AS customer
CROSS JOIN kind
LEFT JOIN fleet ON fleet.customer_id = customer.customer_id AND fleet.product_type = kind.product_type
