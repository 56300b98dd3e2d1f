/* ---
description: >
  Our part of the machines that a customer has, by product type, from the latest census of each of its accounts. A row
  for each customer and each type of machine (of the product reference, or counted in a census); where a customer has
  none of it, or was never counted, the share is not known. Machines of accounts that name no customer are left out.
owner: customer-management
key: [customer_id, product_type]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  own_fleet_units: { type: bigint, unit: units, title: { zh: 自有品牌保有量, en: Own fleet }, description: Machines of own brands. }
  fleet_units: { type: bigint, unit: units, title: { zh: 保有量, en: Fleet }, description: Machines of all brands. }
  wallet_share: { type: double, unit: share, title: { zh: 钱包份额, en: Wallet share }, description: Own machines of all; NULL without a fleet. }
checks:
  - not_null: [customer_id, product_type, own_fleet_units, fleet_units]
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
  - expr: own_fleet_units between 0 and fleet_units
  - expr: wallet_share between 0 and 1
  - expr: (wallet_share is null) = (fleet_units = 0)
  - expr: (SELECT coalesce(sum(fleet_units), 0) FROM customer.wallet) = (SELECT coalesce(sum(units), 0) FROM core.fleet WHERE customer_id <> 'unknown')
    name: no_machine_is_lost
--- */
WITH customer_fleet AS (
    SELECT
        customer_id,
        product_type,
        sum(units) AS fleet_units,
        sum(CASE WHEN is_own THEN units ELSE 0 END) AS own_fleet_units
    FROM core.fleet
    WHERE customer_id <> 'unknown'
    GROUP BY customer_id, product_type
),

machine_type AS (
    SELECT product_type FROM core.product WHERE product_class = 'machine'
    UNION
    SELECT product_type FROM core.fleet
)

SELECT
    customer.customer_id,
    machine_type.product_type,
    coalesce(fleet.own_fleet_units, 0) AS own_fleet_units,
    coalesce(fleet.fleet_units, 0) AS fleet_units,
    CAST(fleet.own_fleet_units AS DOUBLE) / nullif(fleet.fleet_units, 0) AS wallet_share
FROM core.customer AS customer
CROSS JOIN machine_type
LEFT JOIN customer_fleet AS fleet
    ON fleet.customer_id = customer.customer_id AND fleet.product_type = machine_type.product_type
