/* ---
description: >
  Customers whose fleet of a product type is mostly not ours, with the competitors' machines that are old enough to be
  replaced. Listed are customers with units of the product type of which our part lies below the limit; a customer
  that is not known is not listed. Every brand that is not own is a competitor's, an unknown one too. Age counts on
  run_date from the purchase date in full months, and where that is missing from the model year in calendar years. The
  rank runs within the product type by replacement units.
owner: market-research
key: [customer_id, product_type]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  own_fleet_share: { type: double, unit: share, title: { zh: 自有保有量占比, en: Own fleet share }, description: Own units of fleet units. }
  replacement_units: { type: bigint, unit: units, title: { zh: 待更新台数, en: Replacement units }, description: "Competitors' units that have reached the age." }
  rank: { type: bigint, title: { zh: 排名, en: Rank }, description: Rank by replacement units within the product type. }
  fleet_units: { type: bigint, unit: units, title: { zh: 保有量, en: Fleet units }, description: Machines of all brands. }
  own_fleet_units: { type: bigint, unit: units, title: { zh: 自有保有量, en: Own fleet units }, description: Machines of own brands. }
  competitor_fleet_units: { type: bigint, unit: units, title: { zh: 竞品保有量, en: Competitor fleet units }, description: Machines of other brands. }
checks:
  - not_null: [customer_id, product_type, own_fleet_share, replacement_units, fleet_units, own_fleet_units, competitor_fleet_units]
  - expr: own_fleet_share >= 0 and own_fleet_share < 1
  - expr: replacement_units between 0 and competitor_fleet_units
  - expr: own_fleet_units + competitor_fleet_units = fleet_units
  - expr: customer_id <> 'unknown'
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
--- */
WITH limit_value AS (
    -- without a period, the policy in force on run_date
    SELECT
        max(CASE WHEN key = 'competitor.conquest.own_share_below' THEN value END) AS own_share_below,
        max(CASE WHEN key = 'competitor.conquest.replacement_age_years' THEN value END) AS replacement_age_years
    FROM core.policy
    WHERE in_force(valid_from, valid_to, $run_date)
),

aged_machine AS (
    SELECT
        customer_id,
        product_type,
        is_own,
        units,
        -- a month is full on the day of the month on which it began
        CASE WHEN purchase_date IS NOT NULL
            THEN 12 * (date_part('year', $run_date) - date_part('year', purchase_date))
                + date_part('month', $run_date) - date_part('month', purchase_date)
                - CASE WHEN date_part('day', $run_date) < date_part('day', purchase_date) THEN 1 ELSE 0 END
            ELSE 12 * (date_part('year', $run_date) - model_year)
        END AS age_months
    FROM core.fleet
    WHERE customer_id <> 'unknown'
),

customer_fleet AS (
    SELECT
        machine.customer_id,
        machine.product_type,
        sum(machine.units) AS fleet_units,
        sum(CASE WHEN machine.is_own THEN machine.units ELSE 0 END) AS own_fleet_units,
        sum(
            CASE WHEN NOT machine.is_own AND machine.age_months >= 12 * limit_value.replacement_age_years THEN machine.units ELSE 0 END
        ) AS replacement_units,
        max(limit_value.own_share_below) AS own_share_below
    FROM aged_machine AS machine
    CROSS JOIN limit_value
    GROUP BY machine.customer_id, machine.product_type
),

shared_fleet AS (
    SELECT
        *,
        CAST(own_fleet_units AS DOUBLE) / nullif(fleet_units, 0) AS own_fleet_share
    FROM customer_fleet
)

SELECT
    customer_id,
    product_type,
    own_fleet_share,
    CAST(replacement_units AS BIGINT) AS replacement_units,
    -- the unknown product type has no rank
    CASE WHEN product_type <> 'unknown'
        THEN CAST(rank() OVER (PARTITION BY product_type ORDER BY replacement_units DESC NULLS LAST) AS BIGINT)
    END AS rank,
    fleet_units,
    own_fleet_units,
    fleet_units - own_fleet_units AS competitor_fleet_units
FROM shared_fleet
WHERE round(own_fleet_share, 12) < round(own_share_below, 12)
