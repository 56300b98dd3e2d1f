-- domain.md, section 5: channels through which the fleet was bought; a year that has not ended has no growth.
WITH bought AS (
    SELECT purchase_year AS year, brand, purchase_channel, sum(units)::BIGINT AS fleet_units FROM core.fleet GROUP BY ALL
)
SELECT now.year, brand, purchase_channel, now.fleet_units,
    now.fleet_units / nullif(sum(now.fleet_units) OVER (PARTITION BY now.year, brand), 0)::DOUBLE AS share,
    CASE WHEN make_date(now.year::INT, 12, 31) <= getvariable('run_date') THEN now.fleet_units / nullif(prior.fleet_units, 0)::DOUBLE - 1 END AS growth,
    (sum(now.fleet_units) OVER (PARTITION BY now.year, brand))::BIGINT AS brand_units, prior.fleet_units AS prior_units
FROM bought AS now
LEFT JOIN (SELECT year + 1 AS year, brand, purchase_channel, fleet_units FROM bought) AS prior USING (year, brand, purchase_channel)
