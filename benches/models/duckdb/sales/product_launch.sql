-- domain.md, section 7: units, customers and dealers by calendar months since the launch.
WITH sold AS (
    SELECT
        product.product_code,
        line.order_month,
        date_diff('month', product.launch_date, line.order_month) AS months_since_launch,
        product.product_type,
        product.product_class,
        sum(line.units)::BIGINT AS units,
        count(DISTINCT line.customer_id) FILTER (NOT line.is_return AND line.customer_id <> 'unknown') AS customers,
        count(DISTINCT line.dealer) FILTER (NOT line.is_return AND line.dealer <> 'unknown') AS dealers,
        sum(line.quantity_units)::BIGINT AS quantity_units
    FROM core.sales AS line
    JOIN core.product AS product ON product.product_code = line.product AND product.launch_date IS NOT NULL
    WHERE product.product_code <> 'unknown'
    GROUP BY ALL
)
SELECT
    product_code,
    months_since_launch,
    units,
    customers,
    dealers,
    order_month AS month,
    quantity_units,
    product_type,
    product_class
FROM sold
