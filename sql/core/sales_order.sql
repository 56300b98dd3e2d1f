/* ---
description: >
  Orders: each dealer's order number with a line that is no return, dated by the earliest order date of such a line
  (domain.md, section 1, "Order"). Who ordered, where and how is that of the first of these lines, by number, and the
  customer that of the first that names one. Units and money are sums over all lines of the number, returns included;
  a number with nothing but returns is no order, and its lines are in no row here. A step is done on the day of its
  last line, when each line that is neither a return nor a service has its date. is_financed: one of the lines was sold
  on credit or lease; NULL where no line says how it was paid.
owner: sales-operations
key: [dealer_code, order_no]
partition_by: [order_month]
columns:
  dealer_code: { type: string, title: { zh: 经销商编码, en: Dealer code }, description: Code as delivered. }
  order_no: { type: string, title: { zh: 订单号, en: Order number }, description: Order number of the dealer. }
  order_month: { type: date, title: { zh: 订单月份, en: Order month }, description: First day of the month of the order. }
  order_date: { type: date, title: { zh: 订单日期, en: Order date }, description: Day of the order. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: "Customer, `unknown` where no line names one." }
  dealer: { type: string, title: { zh: 经销商, en: Dealer }, description: Member of core.dealer. }
  order_kind: { type: string, title: { zh: 订单类型, en: Order kind }, description: "standard or custom, of the first line." }
  channel: { type: string, title: { zh: 渠道, en: Channel }, description: "direct, dealer, online or tender; `unknown` where not given." }
  province: { type: string, title: { zh: 省份, en: Province }, description: "Member of core.region; a country overseas." }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  country: { type: string, title: { zh: 国家, en: Country }, description: Country. }
  industry: { type: string, title: { zh: 行业, en: Industry }, description: Member of core.industry. }
  industry_group: { type: string, title: { zh: 行业大类, en: Industry group }, description: Upper level of the industry. }
  salesperson: { type: string, title: { zh: 销售员, en: Salesperson }, description: Seller of the first line. }
  department: { type: string, title: { zh: 部门, en: Department }, description: Department of the seller. }
  line_count: { type: bigint, unit: lines, title: { zh: 行数, en: Lines }, description: "Lines, returns included." }
  units: { type: bigint, unit: units, title: { zh: 整机台数, en: Machine units }, description: Machines sold less those returned. }
  revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 收入, en: Revenue }, description: "Net of discount, tax and returns; NULL where no line could be converted." }
  cost: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 成本, en: Cost }, description: Cost of the lines whose cost is known. }
  margin: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 毛利, en: Margin }, description: Margin of the lines whose cost is known. }
  discount_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 折扣金额, en: Discount }, description: Discounts of the lines. }
  has_machine: { type: boolean, title: { zh: 是否含整机, en: Has a machine }, description: One of the lines is a machine. }
  is_financed: { type: boolean, title: { zh: 是否融资, en: Is financed }, description: A line was sold on credit or lease. }
  promised_date: { type: date, title: { zh: 承诺日期, en: Promised date }, description: Latest promised day of its lines. }
  checked_date: { type: date, title: { zh: 核对日期, en: Checked date }, description: Day on which the last line was checked. }
  shipped_date: { type: date, title: { zh: 发运日期, en: Shipped date }, description: Day on which the last line was shipped. }
  accepted_date: { type: date, title: { zh: 接收日期, en: Accepted date }, description: Day on which the customer accepted the last line. }
checks:
  - not_null: [dealer_code, order_no, order_month, order_date, customer_id, dealer, channel, province, region, country, industry, industry_group, line_count, units, has_machine]
  - relationships: { column: dealer, to: core.dealer, field: dealer_code }
  - relationships: { column: province, to: core.region, field: province }
  - relationships: { column: industry, to: core.industry, field: industry }
  - expr: order_month = date_trunc('month', order_date)
  - expr: line_count > 0
  - expr: (SELECT coalesce(sum(revenue), 0) FROM core.sales_order) = (SELECT coalesce(sum(line.revenue), 0) FROM core.sales AS line WHERE EXISTS (SELECT 1 FROM core.sales_order AS placed WHERE placed.dealer_code = line.dealer_code AND placed.order_no = line.order_no))
    name: no_revenue_of_an_order_is_lost
--- */
WITH order_line AS (
    SELECT
        dealer_code,
        order_no,
        line_no,
        order_date,
        nullif(customer_id, 'unknown') AS known_customer_id,
        dealer,
        order_kind,
        coalesce(channel, 'unknown') AS channel,
        province,
        region,
        country,
        industry,
        industry_group,
        salesperson,
        department,
        line_kind,
        is_return,
        units,
        revenue,
        cost,
        margin,
        discount_amount,
        is_financed,
        promised_date,
        checked_date,
        shipped_date,
        accepted_date
    FROM core.sales -- allow partition-column-unused: the lines of an order may lie in several months
),

placed_order AS (
    SELECT
        dealer_code,
        order_no,
        min(order_date) FILTER (WHERE NOT is_return) AS order_date,
        min(line_no) FILTER (WHERE NOT is_return) AS first_line_no,
        first_value(known_customer_id ORDER BY line_no) FILTER (WHERE NOT is_return AND known_customer_id IS NOT NULL) AS customer_id,
        min(dealer) AS dealer,
        count(*) AS line_count,
        sum(units) AS units,
        sum(revenue) AS revenue,
        sum(cost) AS cost,
        sum(margin) AS margin,
        sum(discount_amount) AS discount_amount,
        bool_or(line_kind = 'machine') AS has_machine,
        bool_or(is_financed) FILTER (WHERE NOT is_return) AS is_financed,
        max(promised_date) FILTER (WHERE NOT is_return) AS promised_date,
        -- a step is done when each line that is neither a return nor a service has its date
        bool_and(line_kind IN ('return', 'service') OR checked_date IS NOT NULL) AS is_checked,
        bool_and(line_kind IN ('return', 'service') OR shipped_date IS NOT NULL) AS is_shipped,
        bool_and(line_kind IN ('return', 'service') OR accepted_date IS NOT NULL) AS is_accepted,
        max(checked_date) FILTER (WHERE NOT is_return) AS checked_date,
        max(shipped_date) FILTER (WHERE NOT is_return) AS shipped_date,
        max(accepted_date) FILTER (WHERE NOT is_return) AS accepted_date
    FROM order_line
    GROUP BY dealer_code, order_no
)

SELECT
    placed_order.dealer_code,
    placed_order.order_no,
    CAST(date_trunc('month', placed_order.order_date) AS DATE) AS order_month,
    placed_order.order_date,
    coalesce(placed_order.customer_id, 'unknown') AS customer_id,
    placed_order.dealer,
    first_line.order_kind,
    first_line.channel,
    first_line.province,
    first_line.region,
    first_line.country,
    first_line.industry,
    first_line.industry_group,
    first_line.salesperson,
    first_line.department,
    placed_order.line_count,
    placed_order.units,
    CAST(placed_order.revenue AS DECIMAL(18, 2)) AS revenue,
    CAST(placed_order.cost AS DECIMAL(18, 2)) AS cost,
    CAST(placed_order.margin AS DECIMAL(18, 2)) AS margin,
    CAST(placed_order.discount_amount AS DECIMAL(18, 2)) AS discount_amount,
    placed_order.has_machine,
    placed_order.is_financed,
    placed_order.promised_date,
    CASE WHEN placed_order.is_checked THEN placed_order.checked_date END AS checked_date,
    CASE WHEN placed_order.is_shipped THEN placed_order.shipped_date END AS shipped_date,
    CASE WHEN placed_order.is_accepted THEN placed_order.accepted_date END AS accepted_date
FROM placed_order
-- what all lines of an order share, or the first one decides, is read once more: cheaper than to keep it while grouping
JOIN order_line AS first_line
    ON first_line.dealer_code = placed_order.dealer_code
    AND first_line.order_no = placed_order.order_no
    AND first_line.line_no = placed_order.first_line_no
WHERE placed_order.order_date IS NOT NULL
