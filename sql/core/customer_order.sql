/* ---
description: >
  Who took part in which order: one row for each order and each customer that its lines name, returns left out. A dealer
  that uses an order number twice makes one order of two customers; each of them has ordered, on the day of the order
  (domain.md, section 1, "Order": the earliest order date). core.sales_order gives such an order to one of them; what
  counts the orders of a customer stands on this table. Lines that name no customer are the customer `unknown`.
owner: sales-operations
key: [dealer_code, order_no, customer_id]
columns:
  dealer_code: { type: string, title: { zh: 经销商编码, en: Dealer code }, description: Code as delivered. }
  order_no: { type: string, title: { zh: 订单号, en: Order number }, description: Order number of the dealer. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: "Customer, `unknown` where the line names none." }
  order_date: { type: date, title: { zh: 订单日期, en: Order date }, description: Day of the order. }
checks:
  - not_null: [dealer_code, order_no, customer_id, order_date]
  - expr: (SELECT count(*) FROM (SELECT DISTINCT dealer_code, order_no, order_date FROM core.customer_order) AS placed) = (SELECT count(*) FROM core.sales_order)
    name: every_order_is_here_with_one_date
--- */
WITH customer_line AS (
    SELECT
        dealer_code,
        order_no,
        customer_id,
        min(order_date) AS order_date
    FROM core.sales
    WHERE NOT is_return
    GROUP BY dealer_code, order_no, customer_id
)

SELECT
    dealer_code,
    order_no,
    customer_id,
    min(order_date) OVER (PARTITION BY dealer_code, order_no) AS order_date
FROM customer_line
