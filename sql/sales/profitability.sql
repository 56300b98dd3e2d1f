/* ---
description: >
  What sales earn by quarter of the order, product type, department and region. Revenue, cost and margin are sums over
  all lines, returns included; a line without a known cost has no cost and no margin, so that margin may be less than
  revenue less cost. Shares and rates are taken over the revenue of lines that are no returns: financed_share is what
  was sold on credit or lease, risk_rate what was sold on credit to customers whose credit grade is C or D today,
  return_rate the revenue of return lines, as a positive number. A line without payment terms counts as not financed. A
  seller counts where a line that is no return names him; revenue_per_seller is the revenue, returns included, for
  each. A line without a department has the department `unknown`.
owner: sales-operations
key: [quarter, product_type, department, region]
partition_by: [quarter]
columns:
  quarter: { type: date, title: { zh: 季度, en: Quarter }, description: First day of the quarter of the order. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  department: { type: string, title: { zh: 部门, en: Department }, description: "Department of the seller, `unknown` where not given." }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 收入, en: Revenue }, description: "Net of discount, tax and returns." }
  cost: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 成本, en: Cost }, description: Cost of the lines whose cost is known. }
  margin: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 毛利, en: Margin }, description: Margin of the lines whose cost is known. }
  revenue_per_seller: { type: double, unit: reporting currency, title: { zh: 人均收入, en: Revenue per seller }, description: Revenue divided by the sellers. }
  financed_share: { type: double, unit: share, title: { zh: 融资占比, en: Financed share }, description: Sold on credit or lease. }
  risk_rate: { type: double, unit: rate, title: { zh: 风险率, en: Risk rate }, description: Sold on credit to grades C and D. }
  return_rate: { type: double, unit: rate, title: { zh: 退货率, en: Return rate }, description: Returned of what was sold. }
  sold_revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 销售收入, en: Revenue sold }, description: "Revenue of lines that are no returns: the denominator of the rates." }
  seller_count: { type: bigint, unit: people, title: { zh: 销售员数, en: Sellers }, description: Sellers with a line that is no return. }
  margin_rate: { type: double, unit: rate, title: { zh: 毛利率, en: Margin rate }, description: "Margin of revenue, over lines that are no returns and whose cost is known." }
checks:
  - not_null: [quarter, product_type, department, region, seller_count]
  - expr: financed_share between 0 and 1 and risk_rate between 0 and financed_share
  - expr: return_rate >= 0
  - expr: (financed_share is null) = (coalesce(sold_revenue, 0) = 0)
  - expr: (SELECT sum(revenue) FROM sales.profitability) = (SELECT sum(revenue) FROM core.sales)
    name: no_revenue_is_lost
  - expr: (SELECT sum(margin) FROM sales.profitability) = (SELECT sum(margin) FROM core.sales)
    name: no_margin_is_lost
--- */
WITH risky_customer AS (
    SELECT customer_id
    FROM core.customer
    WHERE credit_grade IN ('C', 'D')
),

judged_line AS (
    SELECT
        line.order_month,
        line.product_type,
        coalesce(line.department, 'unknown') AS department,
        line.region,
        line.revenue,
        line.cost,
        line.margin,
        CASE WHEN NOT line.is_return THEN line.salesperson END AS seller,
        CASE WHEN NOT line.is_return THEN line.revenue END AS sold_revenue,
        CASE WHEN NOT line.is_return AND line.is_financed THEN line.revenue ELSE 0 END AS financed_revenue,
        CASE WHEN NOT line.is_return AND line.payment_terms = 'credit' AND risky_customer.customer_id IS NOT NULL
            THEN line.revenue
            ELSE 0
        END AS risky_revenue,
        CASE WHEN line.is_return THEN -line.revenue ELSE 0 END AS returned_revenue,
        CASE WHEN NOT line.is_return AND line.margin IS NOT NULL THEN line.revenue END AS costed_revenue,
        CASE WHEN NOT line.is_return THEN line.margin END AS sold_margin
    FROM core.sales AS line
    LEFT JOIN risky_customer ON risky_customer.customer_id = line.customer_id
)

SELECT
    CAST(date_trunc('quarter', order_month) AS DATE) AS quarter,
    product_type,
    department,
    region,
    CAST(sum(revenue) AS DECIMAL(18, 2)) AS revenue,
    CAST(sum(cost) AS DECIMAL(18, 2)) AS cost,
    CAST(sum(margin) AS DECIMAL(18, 2)) AS margin,
    CAST(sum(revenue) AS DOUBLE) / nullif(count(DISTINCT seller), 0) AS revenue_per_seller,
    CAST(sum(financed_revenue) AS DOUBLE) / nullif(CAST(sum(sold_revenue) AS DOUBLE), 0) AS financed_share,
    CAST(sum(risky_revenue) AS DOUBLE) / nullif(CAST(sum(sold_revenue) AS DOUBLE), 0) AS risk_rate,
    CAST(sum(returned_revenue) AS DOUBLE) / nullif(CAST(sum(sold_revenue) AS DOUBLE), 0) AS return_rate,
    CAST(sum(sold_revenue) AS DECIMAL(18, 2)) AS sold_revenue,
    count(DISTINCT seller) AS seller_count,
    CAST(sum(sold_margin) AS DOUBLE) / nullif(CAST(sum(costed_revenue) AS DOUBLE), 0) AS margin_rate
FROM judged_line
GROUP BY date_trunc('quarter', order_month), product_type, department, region
