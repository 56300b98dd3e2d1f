-- domain.md, section 3: the rows of each account's latest census.
WITH counted AS (
    SELECT * FROM staged.fleet_census
    QUALIFY census_on = max(census_on) OVER (PARTITION BY account_id)
)
SELECT
    line.account_id,
    coalesce(account.customer_id, 'unknown') AS customer_id,
    line.census_on AS census_date,
    coalesce(brand.brand, 'unknown') AS brand,
    coalesce(brand.is_own, false) AS is_own,
    line.product_type,
    line.series,
    line.model_year,
    line.units,
    line.purchase_date,
    coalesce(year(line.purchase_date), line.model_year)::INT AS purchase_year,
    coalesce(line.purchase_channel, 'unknown') AS purchase_channel,
    line.rating,
    coalesce(account.province, 'unknown') AS province,
    coalesce(account.region, 'unknown') AS region,
    coalesce(account.country, 'unknown') AS country,
    line.brand AS source_brand
FROM counted AS line
LEFT JOIN core.account AS account ON account.account_id = line.account_id
LEFT JOIN core.brand AS brand ON brand.brand = line.brand
