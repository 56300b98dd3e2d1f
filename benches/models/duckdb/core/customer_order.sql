-- domain.md, section 1, "Order": each dealer's order number with a line that is no return, and the customers that it names.
WITH line AS (
    SELECT dealer_code, order_no, customer_id, min(order_date) OVER (PARTITION BY dealer_code, order_no) AS order_date
    FROM core.sales
    WHERE NOT is_return
)
SELECT DISTINCT dealer_code, order_no, customer_id, order_date FROM line
