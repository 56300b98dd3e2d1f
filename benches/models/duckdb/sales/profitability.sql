-- domain.md, section 7: sums include returns; shares and rates are over lines that are no returns.
WITH line AS (
    SELECT
        date_trunc('quarter', sale.order_month)::DATE AS quarter,
        sale.product_type,
        coalesce(sale.department, 'unknown') AS department,
        sale.region,
        sale.revenue,
        sale.cost,
        sale.margin,
        sale.salesperson,
        sale.is_return,
        coalesce(sale.is_financed, FALSE) AS is_financed,
        coalesce(sale.payment_terms = 'credit' AND customer.credit_grade IN ('C', 'D'), FALSE) AS is_risky
    FROM core.sales AS sale LEFT JOIN core.customer AS customer USING (customer_id)
),
summed AS (
    SELECT
        quarter,
        product_type,
        department,
        region,
        sum(revenue) AS revenue,
        sum(cost) AS cost,
        sum(margin) AS margin,
        count(DISTINCT salesperson) FILTER (NOT is_return) AS seller_count,
        sum(revenue) FILTER (NOT is_return) AS sold_revenue,
        sum(revenue) FILTER (NOT is_return AND is_financed) AS financed_revenue,
        sum(revenue) FILTER (NOT is_return AND is_risky) AS risk_revenue,
        sum(revenue) FILTER (is_return) AS returned_revenue,
        sum(margin) FILTER (NOT is_return) AS sold_margin,
        sum(revenue) FILTER (NOT is_return AND margin IS NOT NULL) AS costed_revenue
    FROM line
    GROUP BY quarter, product_type, department, region
)
SELECT
    quarter,
    product_type,
    department,
    region,
    revenue::DECIMAL(18, 2) AS revenue,
    cost::DECIMAL(18, 2) AS cost,
    margin::DECIMAL(18, 2) AS margin,
    revenue::DOUBLE / nullif(seller_count, 0) AS revenue_per_seller,
    coalesce(financed_revenue, 0)::DOUBLE / nullif(sold_revenue, 0)::DOUBLE AS financed_share,
    coalesce(risk_revenue, 0)::DOUBLE / nullif(sold_revenue, 0)::DOUBLE AS risk_rate,
    -coalesce(returned_revenue, 0)::DOUBLE / nullif(sold_revenue, 0)::DOUBLE AS return_rate,
    sold_revenue::DECIMAL(18, 2) AS sold_revenue,
    seller_count,
    sold_margin::DOUBLE / nullif(costed_revenue, 0)::DOUBLE AS margin_rate
FROM summed
