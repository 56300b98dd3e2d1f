-- domain.md, section 7: the parts that add to the change of revenue of a region, by customer and product type.
WITH line AS (
    SELECT
        sale.region,
        sale.customer_id,
        sale.product_type,
        sale.order_month,
        year(sale.order_month)::INTEGER AS year,
        coalesce(industry.is_core, FALSE) AS is_core,
        sale.revenue,
        CASE WHEN sale.revenue IS NOT NULL THEN sale.units END AS units
    FROM core.sales AS sale LEFT JOIN core.industry AS industry ON industry.industry = sale.industry
),
-- every month that a bridge compares, on the side of this year and of the year after
side AS (
    SELECT month.month, month.year::INTEGER AS year, TRUE AS is_now FROM core.month AS month WHERE month.is_order_complete
    UNION ALL
    SELECT (month.month - INTERVAL 1 YEAR)::DATE, month.year::INTEGER, FALSE FROM core.month AS month WHERE month.is_order_complete
),
compared AS (
    SELECT
        side.year,
        line.region,
        line.customer_id,
        line.product_type,
        coalesce(sum(line.revenue) FILTER (side.is_now), 0) AS r1,
        coalesce(sum(line.revenue) FILTER (side.is_now AND line.is_core), 0) AS core_r1,
        coalesce(sum(line.revenue) FILTER (NOT side.is_now), 0) AS r0,
        coalesce(sum(line.units) FILTER (side.is_now), 0)::BIGINT AS q1,
        coalesce(sum(line.units) FILTER (NOT side.is_now), 0)::BIGINT AS q0,
        bool_or(side.is_now) AS has_now
    FROM side JOIN line ON line.order_month = side.month
    GROUP BY side.year, line.region, line.customer_id, line.product_type
),
customer_year AS (
    SELECT DISTINCT region, customer_id, year FROM line
),
first_of_customer AS (
    SELECT region, customer_id, min(year) AS first_year FROM customer_year GROUP BY region, customer_id
),
first_of_type AS (
    SELECT region, customer_id, product_type, min(year) AS first_type_year FROM line GROUP BY region, customer_id, product_type
),
bought_now AS (
    SELECT year, region, customer_id, bool_or(has_now) AS has_now FROM compared GROUP BY year, region, customer_id
),
classed AS (
    SELECT
        compared.*,
        CASE
            WHEN first_of_customer.first_year = compared.year THEN 'new'
            WHEN prior.year IS NULL THEN 'won_back'
            WHEN NOT bought_now.has_now THEN 'lost'
            WHEN first_of_type.first_type_year = compared.year THEN 'cross_selling'
            ELSE 'both'
        END AS class,
        -- cents as whole numbers, since a division makes a double of a decimal; q0 is positive, and half rounds away from zero
        CASE
            WHEN q0 <= 0 OR q1 <= 0 THEN r1 - r0
            ELSE (
                sign(q1 - q0) * sign(r0) * ((2 * abs(q1 - q0) * abs((r0 * 100)::HUGEINT) + q0) // (2 * q0))
            )::DECIMAL(30, 0) * 0.01
        END AS volume
    FROM compared
    JOIN first_of_customer USING (region, customer_id)
    JOIN first_of_type USING (region, customer_id, product_type)
    JOIN bought_now USING (year, region, customer_id)
    LEFT JOIN customer_year AS prior
        ON prior.region = compared.region AND prior.customer_id = compared.customer_id AND prior.year = compared.year - 1
),
covered AS (
    SELECT
        month.year::INTEGER AS year,
        count(*) AS months_covered,
        count(prior.month) AS prior_months_covered
    FROM core.month AS month
    LEFT JOIN (SELECT DISTINCT order_month AS month FROM line) AS prior ON prior.month = month.month - INTERVAL 1 YEAR
    WHERE month.is_order_complete
    GROUP BY month.year
),
summed AS (
    SELECT
        year,
        region,
        sum(r1) AS revenue,
        sum(r0) AS prior_revenue,
        coalesce(sum(core_r1) FILTER (class = 'new'), 0) AS new_core,
        coalesce(sum(r1 - core_r1) FILTER (class = 'new'), 0) AS new_unrelated,
        coalesce(sum(r1) FILTER (class = 'won_back'), 0) AS won_back,
        coalesce(sum(-r0) FILTER (class = 'lost'), 0) AS lost,
        coalesce(sum(r1) FILTER (class = 'cross_selling'), 0) AS cross_selling,
        coalesce(sum(volume) FILTER (class = 'both'), 0) AS volume,
        coalesce(sum(r1 - r0 - volume) FILTER (class = 'both'), 0) AS price_mix
    FROM classed
    GROUP BY year, region
)
SELECT
    year,
    region,
    revenue::DECIMAL(18, 2) AS revenue,
    prior_revenue::DECIMAL(18, 2) AS prior_revenue,
    new_core::DECIMAL(18, 2) AS new_core_amount,
    new_unrelated::DECIMAL(18, 2) AS new_unrelated_amount,
    won_back::DECIMAL(18, 2) AS won_back_amount,
    lost::DECIMAL(18, 2) AS lost_amount,
    cross_selling::DECIMAL(18, 2) AS cross_selling_amount,
    volume::DECIMAL(18, 2) AS volume_amount,
    price_mix::DECIMAL(18, 2) AS price_mix_amount,
    months_covered,
    prior_months_covered
FROM summed JOIN covered USING (year)
