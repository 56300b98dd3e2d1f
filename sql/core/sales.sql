/* ---
description: >
  Order lines with the members by which sales are rolled up, and money in the reporting currency. The codes of the
  extract are kept as delivered; a dealer, product, province or industry that no reference names is the member
  `unknown` of the columns dealer, product, province and industry. A line that
  names no customer belongs to the customer `unknown`. Place: the country overseas, else the province of the line,
  else the place of its customer, else of its dealer. The industry is that of the line alone. Money is converted line
  by line with the order month's rate; a line in a currency without a rate keeps NULL amounts, and one without a unit
  cost has no cost and no margin. Lead times are calendar days between the dates of the line. Lines without payment
  terms have no is_financed.
owner: sales-operations
key: [dealer_code, order_no, line_no]
partition_by: [order_month]
columns:
  dealer_code: { type: string, title: { zh: 经销商编码, en: Dealer code }, description: Code as delivered. }
  order_no: { type: string, title: { zh: 订单号, en: Order number }, description: Order number of the dealer. }
  line_no: { title: { zh: 行号, en: Line number }, description: Line of the order. }
  order_month: { type: date, title: { zh: 订单月份, en: Order month }, description: First day of the month of the order date. }
  order_date: { type: date, title: { zh: 订单日期, en: Order date }, description: Day of the order. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: "Customer, `unknown` where the line names none." }
  customer_code: { type: string, title: { zh: 客户编码, en: Customer code }, description: The dealer's own number of the customer. }
  dealer: { type: string, title: { zh: 经销商, en: Dealer }, description: Member of core.dealer. }
  product: { type: string, title: { zh: 产品, en: Product }, description: Member of core.product. }
  product_code: { type: string, title: { zh: 产品编码, en: Product code }, description: Code as delivered. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  product_class: { type: string, title: { zh: 产品类别, en: Product class }, description: "machine, part, service or unknown." }
  series: { type: string, title: { zh: 系列, en: Series }, description: Product series. }
  line_kind: { type: string, title: { zh: 行类型, en: Line kind }, description: "machine, part, service or return." }
  is_return: { type: boolean, title: { zh: 是否退货, en: Is return }, description: "A return line: negative units, revenue and cost." }
  order_kind: { type: string, title: { zh: 订单类型, en: Order kind }, description: standard or custom. }
  channel: { type: string, title: { zh: 渠道, en: Channel }, description: "direct, dealer, online or tender." }
  province: { type: string, title: { zh: 省份, en: Province }, description: "Member of core.region; a country overseas." }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  country: { type: string, title: { zh: 国家, en: Country }, description: Country. }
  industry: { type: string, title: { zh: 行业, en: Industry }, description: Member of core.industry. }
  industry_group: { type: string, title: { zh: 行业大类, en: Industry group }, description: Upper level of the industry. }
  working_condition: { type: string, title: { zh: 工况, en: Working condition }, description: "Working condition, `unknown` where not given." }
  units: { type: bigint, unit: units, title: { zh: 整机台数, en: Machine units }, description: "Machines sold; returned machines count negative." }
  quantity_units: { type: bigint, unit: units, title: { zh: 数量, en: Quantity }, description: "Quantity of the line, whatever its kind." }
  revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 收入, en: Revenue }, description: Net of discount and tax. }
  cost: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 成本, en: Cost }, description: Unit cost times quantity. }
  margin: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 毛利, en: Margin }, description: Revenue less cost. }
  unit_price: { type: double, unit: currency of the line, title: { zh: 单价, en: Unit price }, description: "Price of one unit as delivered, before the discount." }
  discount_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 折扣金额, en: Discount }, description: Discount of the line. }
  source_amount: { type: "decimal(18,2)", unit: currency of the line, title: { zh: 原币金额, en: Amount as delivered }, description: Amount in the currency of the line. }
  currency: { type: string, title: { zh: 币种, en: Currency }, description: Currency of the line. }
  payment_terms: { type: string, title: { zh: 付款方式, en: Payment terms }, description: "cash, credit or lease." }
  is_financed: { type: boolean, title: { zh: 是否融资, en: Is financed }, description: Sold on credit or lease. }
  promised_date: { type: date, title: { zh: 承诺日期, en: Promised date }, description: Promised day of acceptance. }
  checked_date: { type: date, title: { zh: 核对日期, en: Checked date }, description: Day on which the order was checked. }
  shipped_date: { type: date, title: { zh: 发运日期, en: Shipped date }, description: Day of shipment. }
  accepted_date: { type: date, title: { zh: 接收日期, en: Accepted date }, description: Day on which the customer accepted. }
  order_to_checked_days: { type: bigint, unit: days, title: { zh: 核对用时, en: Order to check }, description: Calendar days. }
  checked_to_shipped_days: { type: bigint, unit: days, title: { zh: 发运用时, en: Check to shipment }, description: Calendar days. }
  shipped_to_accepted_days: { type: bigint, unit: days, title: { zh: 运输用时, en: Shipment to acceptance }, description: Calendar days. }
  order_to_accepted_days: { type: bigint, unit: days, title: { zh: 交付周期, en: Order to acceptance }, description: Calendar days. }
  serial_no: { type: string, title: { zh: 序列号, en: Serial number }, description: Serial number of the machine. }
  salesperson: { type: string, title: { zh: 销售员, en: Salesperson }, description: Seller. }
  department: { type: string, title: { zh: 部门, en: Department }, description: Department of the seller. }
checks:
  - not_null: [dealer_code, order_no, line_no, order_month, order_date, customer_id, dealer, product, product_type, product_class, line_kind, is_return, province, region, country, industry, industry_group, working_condition, units]
  - unique: [dealer_code, order_no, line_no]
  - accepted_values: { column: line_kind, values: [machine, part, service, return] }
  - relationships: { column: dealer, to: core.dealer, field: dealer_code }
  - relationships: { column: product, to: core.product, field: product_code }
  - relationships: { column: province, to: core.region, field: province }
  - relationships: { column: industry, to: core.industry, field: industry }
  - expr: order_month = date_trunc('month', order_date)
  - expr: margin = revenue - cost
  - expr: units <= 0 and revenue <= 0 and cost <= 0
    where: is_return
    name: returns_are_negative
  - expr: units = 0 or product_class = 'machine' or line_kind = 'machine'
    name: only_machines_have_units
  - expr: revenue is not null or source_amount is null
    severity: warn
    name: currency_has_a_rate_in_the_order_month
  - expr: dealer <> 'unknown' and product <> 'unknown' and region <> 'unknown'
    severity: warn
    name: codes_in_the_reference
  - expr: order_to_accepted_days >= 0
    severity: warn
    name: accepted_after_the_order
--- */
WITH home_country AS (
    SELECT DISTINCT country FROM core.region WHERE is_domestic
),

rate AS (
    SELECT month, currency, CAST(rate AS DECIMAL(18, 8)) AS rate FROM staged.fx_rate
),

placed_line AS (
    -- domain.md, section 1, "Place": by country overseas, else the province of the line, of the customer, of the dealer
    SELECT
        line.*,
        dealer.dealer_code AS known_dealer_code,
        CASE
            WHEN line.country IS NOT NULL AND home_country.country IS NULL THEN line.country
            ELSE coalesce(line.province, customer.place, nullif(dealer.province, 'unknown'))
        END AS place
    FROM staged.dealer_sales AS line
    LEFT JOIN core.sales_customer_place AS customer
        ON customer.order_month = line.order_month AND customer.customer_id = line.customer_id
    LEFT JOIN core.dealer AS dealer ON dealer.dealer_code = line.dealer_code
    LEFT JOIN home_country ON home_country.country = line.country
),

converted_line AS (
    -- domain.md, section 1, "Units and money": the order month's rate, line by line, rounded half away from zero to cents
    SELECT
        line.*,
        CAST(round(line.amount * rate.rate, 2) AS DECIMAL(18, 2)) AS revenue,
        CAST(round(line.unit_cost * line.quantity * rate.rate, 2) AS DECIMAL(18, 2)) AS cost,
        CAST(round(line.discount_amount * rate.rate, 2) AS DECIMAL(18, 2)) AS converted_discount_amount
    FROM placed_line AS line
    LEFT JOIN rate ON rate.month = line.order_month AND rate.currency = line.currency
)

SELECT
    line.dealer_code,
    line.order_no,
    line.line_no,
    line.order_month,
    line.order_date,
    coalesce(line.customer_id, 'unknown') AS customer_id,
    line.customer_code,
    coalesce(line.known_dealer_code, 'unknown') AS dealer,
    coalesce(product.product_code, 'unknown') AS product,
    line.product_code,
    coalesce(product.product_type, 'unknown') AS product_type,
    coalesce(product.product_class, 'unknown') AS product_class,
    coalesce(product.series, 'unknown') AS series,
    line.line_kind,
    line.line_kind = 'return' AS is_return,
    line.order_kind,
    line.channel,
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    coalesce(region.country, line.country, 'unknown') AS country,
    coalesce(industry.industry, 'unknown') AS industry,
    coalesce(industry.industry_group, 'unknown') AS industry_group,
    coalesce(line.working_condition, 'unknown') AS working_condition,
    -- units sold are machines; a return counts when its product is one
    CAST(
        CASE
            WHEN line.line_kind = 'machine' THEN line.quantity
            WHEN line.line_kind = 'return' AND product.product_class = 'machine' THEN line.quantity
            ELSE 0
        END AS BIGINT
    ) AS units,
    CAST(line.quantity AS BIGINT) AS quantity_units,
    line.revenue,
    line.cost,
    CAST(line.revenue - line.cost AS DECIMAL(18, 2)) AS margin,
    CAST(line.unit_price AS DOUBLE) AS unit_price,
    line.converted_discount_amount AS discount_amount,
    line.amount AS source_amount,
    line.currency,
    line.payment_terms,
    line.payment_terms IN ('credit', 'lease') AS is_financed,
    line.promised_date,
    line.checked_date,
    line.shipped_date,
    line.accepted_date,
    line.checked_date - line.order_date AS order_to_checked_days,
    line.shipped_date - line.checked_date AS checked_to_shipped_days,
    line.accepted_date - line.shipped_date AS shipped_to_accepted_days,
    line.accepted_date - line.order_date AS order_to_accepted_days,
    line.serial_no,
    line.salesperson,
    line.department
FROM converted_line AS line
LEFT JOIN core.product AS product ON product.product_code = line.product_code
LEFT JOIN core.region AS region ON region.province = line.place
LEFT JOIN core.industry AS industry ON industry.industry = line.industry
