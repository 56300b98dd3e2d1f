-- domain.md, section 4: sales by working condition; growth over the complete months of order lines.
WITH complete AS (
    SELECT month, year FROM core.month WHERE is_order_complete
),
covered AS (
    SELECT now.month, now.year, prior.month IS NOT NULL AS has_prior
    FROM complete AS now LEFT JOIN complete AS prior ON prior.month = now.month - INTERVAL 1 YEAR
),
covered_year AS (
    SELECT year, count(*) AS months_covered, bool_and(has_prior) AS has_prior FROM covered GROUP BY year
),
sold_month AS (
    SELECT order_month AS month, working_condition, product_type, sum(units) AS units, sum(revenue) AS revenue, sum(margin) AS margin
    FROM core.sales
    GROUP BY ALL
),
sold_year AS (
    SELECT year(month) AS year, working_condition, product_type, sum(units)::BIGINT AS units,
        sum(revenue)::DECIMAL(18, 2) AS revenue, sum(margin)::DECIMAL(18, 2) AS margin
    FROM sold_month
    GROUP BY ALL
),
now AS (
    SELECT year, working_condition, product_type, sum(revenue)::DECIMAL(18, 2) AS covered_revenue
    FROM sold_month JOIN covered USING (month)
    GROUP BY ALL
),
prior AS (
    SELECT year, working_condition, product_type, sum(revenue)::DECIMAL(18, 2) AS prior_revenue
    FROM sold_month JOIN covered ON sold_month.month = covered.month - INTERVAL 1 YEAR
    GROUP BY ALL
)
SELECT year::INT AS year, working_condition, product_type, units, revenue, margin,
    CASE WHEN has_prior THEN CASE WHEN now.year IS NULL THEN 0 ELSE covered_revenue END::DOUBLE / nullif(prior_revenue::DOUBLE, 0) - 1 END AS revenue_growth,
    coalesce(months_covered, 0) AS months_covered, CASE WHEN now.year IS NULL THEN 0 ELSE covered_revenue END AS covered_revenue,
    CASE WHEN has_prior THEN CASE WHEN prior.year IS NULL THEN 0 ELSE prior_revenue END END AS prior_revenue
FROM sold_year
LEFT JOIN covered_year USING (year)
LEFT JOIN now USING (year, working_condition, product_type)
LEFT JOIN prior USING (year, working_condition, product_type)
