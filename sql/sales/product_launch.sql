/* ---
description: >
  How products took off: machines, customers and dealers by months since the launch, which is 0 in the month of the
  launch date and negative before it. Units count returned machines negative; customers and dealers are those of lines
  that are no returns, unknown ones left out. Products without a launch date, and those that no reference names, have
  no launch to count from and are not here; what is no machine has units 0, its pieces are in quantity_units. Months in
  which a product had no order line have no row.
owner: product-management
key: [product_code, months_since_launch]
columns:
  product_code: { type: string, title: { zh: 产品编码, en: Product code }, description: Code of the product. }
  months_since_launch: { type: bigint, unit: months, title: { zh: 上市后月数, en: Months since launch }, description: "Calendar months, 0 in the month of the launch." }
  units: { type: bigint, unit: units, title: { zh: 整机台数, en: Machine units }, description: "Machines sold, less those returned." }
  customers: { type: bigint, unit: customers, title: { zh: 客户数, en: Customers }, description: Customers who bought it in the month. }
  dealers: { type: bigint, unit: dealers, title: { zh: 经销商数, en: Dealers }, description: Dealers that sold it in the month. }
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the month of the orders. }
  quantity_units: { type: bigint, unit: units, title: { zh: 数量, en: Quantity }, description: "Pieces of any kind, less those returned." }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  product_class: { type: string, title: { zh: 产品类别, en: Product class }, description: "machine, part or service." }
checks:
  - not_null: [product_code, months_since_launch, units, customers, dealers, month, quantity_units, product_type, product_class]
  - expr: customers >= 0 and dealers >= 0
  - expr: units = 0 or product_class = 'machine' or units = quantity_units
  - relationships: { column: product_code, to: core.product, field: product_code }
  - expr: months_since_launch >= 0
    severity: warn
    name: sold_after_the_launch
--- */
WITH launched_product AS (
    SELECT product_code, product_type, product_class, launch_date
    FROM core.product
    WHERE launch_date IS NOT NULL AND product_code <> 'unknown'
),

product_month AS (
    SELECT product, order_month, sum(units) AS units, sum(quantity_units) AS quantity_units
    FROM core.sales
    GROUP BY product, order_month
),

buying_customer AS (
    SELECT product, order_month, count(DISTINCT customer_id) AS customers
    FROM core.sales
    WHERE NOT is_return AND customer_id <> 'unknown'
    GROUP BY product, order_month
),

selling_dealer AS (
    SELECT product, order_month, count(DISTINCT dealer) AS dealers
    FROM core.sales
    WHERE NOT is_return AND dealer <> 'unknown'
    GROUP BY product, order_month
)

SELECT
    product.product_code,
    CAST(
        12 * (date_part('year', line.order_month) - date_part('year', product.launch_date))
        + date_part('month', line.order_month) - date_part('month', product.launch_date) AS BIGINT
    ) AS months_since_launch,
    line.units,
    coalesce(buying_customer.customers, 0) AS customers,
    coalesce(selling_dealer.dealers, 0) AS dealers,
    line.order_month AS month,
    line.quantity_units,
    product.product_type,
    product.product_class
FROM product_month AS line
JOIN launched_product AS product ON product.product_code = line.product
LEFT JOIN buying_customer ON buying_customer.product = line.product AND buying_customer.order_month = line.order_month
LEFT JOIN selling_dealer ON selling_dealer.product = line.product AND selling_dealer.order_month = line.order_month
