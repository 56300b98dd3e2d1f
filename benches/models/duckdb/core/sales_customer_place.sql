-- Where customers sit whose lines neither name a province nor lie overseas, by the month of the order.
WITH home AS (
    SELECT DISTINCT country FROM core.region WHERE is_domestic
)
SELECT DISTINCT
    date_trunc('month', line.order_date)::DATE AS order_month,
    line.customer_id,
    CASE WHEN customer.country NOT IN (SELECT country FROM home) THEN customer.country ELSE customer.province END AS place
FROM staged.dealer_sales AS line
JOIN core.customer_identity AS customer ON customer.customer_id = line.customer_id
WHERE line.province IS NULL
    AND (line.country IS NULL OR line.country IN (SELECT country FROM home))
    AND CASE WHEN customer.country NOT IN (SELECT country FROM home) THEN customer.country ELSE customer.province END IS NOT NULL
