/* ---
description: >
  Where a customer sits, for the order lines that name no place of their own: one row for each month and customer with
  a line that has no province and does not say that it lies overseas. `place` is the customer's country overseas, else
  its province. core.sales takes the place from here, and not from the customers, so that a new customer or a moved one
  rebuilds only the months in which its place is asked for.
owner: sales-operations
key: [order_month, customer_id]
partition_by: [order_month]
columns:
  order_month: { type: date, title: { zh: 订单月份, en: Order month }, description: First day of the month of the order date. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  place: { type: string, title: { zh: 所在地, en: Place }, description: "Country overseas, else province, as core.region names them." }
checks:
  - not_null: [order_month, customer_id, place]
--- */
WITH home_country AS (
    SELECT DISTINCT country FROM core.region WHERE is_domestic
),

placeless_line AS (
    SELECT DISTINCT
        line.order_month,
        line.customer_id
    FROM staged.dealer_sales AS line
    LEFT JOIN home_country ON home_country.country = line.country
    WHERE line.province IS NULL AND (line.country IS NULL OR home_country.country IS NOT NULL)
)

SELECT
    line.order_month,
    line.customer_id,
    customer.place
FROM placeless_line AS line
JOIN core.customer_place AS customer ON customer.customer_id = line.customer_id
WHERE customer.place IS NOT NULL
