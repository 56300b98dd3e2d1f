/* ---
description: >
  How many machines a customer has at the end of each quarter, of ours and of all brands: the sum over its accounts of
  the last census that each had by then. A row for each quarter from that of the first census of the customer up to
  run_date's. core.fleet holds the machines of the last census one by one.
owner: market-research
key: [quarter, customer_id]
columns:
  quarter: { type: date, title: { zh: 季度, en: Quarter }, description: First day of the quarter. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: "Customer, `unknown` for accounts that the CRM does not name." }
  own_fleet_units: { type: bigint, unit: units, title: { zh: 自有品牌保有量, en: Own fleet units }, description: Machines of our brands. }
  fleet_units: { type: bigint, unit: units, title: { zh: 保有量, en: Fleet units }, description: Machines of all brands. }
checks:
  - not_null: [quarter, customer_id, own_fleet_units, fleet_units]
  - expr: own_fleet_units between 0 and fleet_units
  - expr: >-
      (SELECT coalesce(sum(fleet_units), 0) FROM core.fleet_quarter WHERE quarter = (SELECT max(quarter) FROM core.month))
      = (SELECT coalesce(sum(units), 0) FROM core.fleet)
    name: the_last_quarter_is_the_fleet
--- */
WITH census AS (
    SELECT
        counted.account_id,
        counted.census_on,
        CAST(date_trunc('quarter', counted.census_on) AS DATE) AS quarter,
        sum(counted.units) AS fleet_units,
        sum(CASE WHEN brand.is_own THEN counted.units ELSE 0 END) AS own_fleet_units
    FROM staged.fleet_census AS counted
    LEFT JOIN core.brand AS brand ON brand.brand = counted.brand
    GROUP BY counted.account_id, counted.census_on
),

dated_census AS (
    SELECT *, max(census_on) OVER (PARTITION BY account_id, quarter) AS last_census_on
    FROM census
),

valid_census AS (
    -- the last census of a quarter stands until the quarter of the next one
    SELECT
        account_id,
        own_fleet_units,
        fleet_units,
        quarter AS first_quarter,
        coalesce(
            -- allow order-not-total: one census of an account is the last of a quarter
            CAST(lead(quarter) OVER (PARTITION BY account_id ORDER BY quarter) - INTERVAL '3 months' AS DATE),
            CAST(date_trunc('quarter', $run_date) AS DATE)
        ) AS last_quarter
    FROM dated_census
    WHERE census_on = last_census_on
),

account_quarter AS (
    SELECT
        unnest(generate_series(first_quarter, last_quarter, INTERVAL '3 months')) AS quarter,
        account_id,
        own_fleet_units,
        fleet_units
    FROM valid_census
)

SELECT
    fleet.quarter,
    coalesce(account.customer_id, 'unknown') AS customer_id,
    sum(fleet.own_fleet_units) AS own_fleet_units,
    sum(fleet.fleet_units) AS fleet_units
FROM account_quarter AS fleet
LEFT JOIN core.account AS account ON account.account_id = fleet.account_id
GROUP BY fleet.quarter, coalesce(account.customer_id, 'unknown')
