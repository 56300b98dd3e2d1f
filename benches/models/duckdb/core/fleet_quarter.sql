-- Machines of a customer at the end of each quarter: of each of its accounts those of the last census by then.
WITH census AS (
    SELECT
        coalesce(account.customer_id, 'unknown') AS customer_id,
        counted.account_id,
        counted.census_on,
        sum(counted.units)::BIGINT AS fleet_units,
        coalesce(sum(counted.units) FILTER (WHERE brand.is_own), 0)::BIGINT AS own_fleet_units
    FROM staged.fleet_census AS counted
    LEFT JOIN core.account AS account ON account.account_id = counted.account_id
    LEFT JOIN core.brand AS brand ON brand.brand = counted.brand
    GROUP BY ALL
),
account AS (
    SELECT account_id, any_value(customer_id) AS customer_id, min(census_on) AS first_census_on FROM census GROUP BY account_id
),
listed AS (
    SELECT
        unnest(generate_series(date_trunc('quarter', first_census_on), date_trunc('quarter', getvariable('run_date')), INTERVAL 3 MONTH))::DATE AS quarter,
        account_id,
        customer_id
    FROM account
),
held AS (
    SELECT listed.quarter, listed.customer_id, census.own_fleet_units, census.fleet_units
    FROM (SELECT *, (quarter + INTERVAL 3 MONTH - INTERVAL 1 DAY)::DATE AS last_date FROM listed) AS listed
    ASOF JOIN census ON census.account_id = listed.account_id AND census.census_on <= listed.last_date
)
SELECT quarter, customer_id, sum(own_fleet_units)::BIGINT AS own_fleet_units, sum(fleet_units)::BIGINT AS fleet_units
FROM held
GROUP BY quarter, customer_id
