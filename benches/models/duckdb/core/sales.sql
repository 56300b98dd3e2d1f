-- domain.md, section 3: order lines with the members by which sales are rolled up, and money in the reporting currency.
WITH located AS (
    -- section 1, "Place": by country overseas; else the province of the line, else of the customer, else of the dealer
    SELECT
        line.*,
        CASE
            WHEN line.country NOT IN (SELECT country FROM core.region WHERE is_domestic) THEN line.country
            ELSE coalesce(line.province, customer.place, dealer.province)
        END AS place
    FROM staged.dealer_sales AS line
    LEFT JOIN core.sales_customer_place AS customer ON customer.order_month = line.order_month AND customer.customer_id = line.customer_id
    LEFT JOIN core.dealer AS dealer ON dealer.dealer_code = line.dealer_code
),
converted AS (
    SELECT
        located.*,
        round(located.amount * rate.rate, 2)::DECIMAL(18, 2) AS revenue,
        round(located.unit_cost * located.quantity * rate.rate, 2)::DECIMAL(18, 2) AS cost,
        round(located.discount_amount * rate.rate, 2)::DECIMAL(18, 2) AS discount
    FROM located
    LEFT JOIN staged.fx_rate AS rate ON rate.month = located.order_month AND rate.currency = located.currency
)
SELECT
    line.dealer_code,
    line.order_no,
    line.line_no,
    line.order_month,
    line.order_date,
    coalesce(line.customer_id, 'unknown') AS customer_id,
    line.customer_code,
    coalesce(dealer.dealer_code, 'unknown') AS dealer,
    coalesce(product.product_code, 'unknown') AS product,
    line.product_code,
    coalesce(product.product_type, 'unknown') AS product_type,
    coalesce(product.product_class, 'unknown') AS product_class,
    coalesce(product.series, 'unknown') AS series,
    line.line_kind,
    line.line_kind = 'return' AS is_return,
    line.order_kind,
    coalesce(line.channel, 'unknown') AS channel,
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    coalesce(region.country, line.country, 'unknown') AS country,
    coalesce(industry.industry, 'unknown') AS industry,
    coalesce(industry.industry_group, 'unknown') AS industry_group,
    coalesce(line.working_condition, 'unknown') AS working_condition,
    CASE
        WHEN line.line_kind = 'machine' THEN line.quantity
        WHEN line.line_kind = 'return' AND product.product_class = 'machine' THEN line.quantity
        ELSE 0
    END::BIGINT AS units,
    line.quantity::BIGINT AS quantity_units,
    line.revenue,
    line.cost,
    (line.revenue - line.cost)::DECIMAL(18, 2) AS margin,
    line.unit_price::DOUBLE AS unit_price,
    line.discount AS discount_amount,
    line.amount AS source_amount,
    line.currency,
    line.payment_terms,
    line.payment_terms IN ('credit', 'lease') AS is_financed,
    line.promised_date,
    line.checked_date,
    line.shipped_date,
    line.accepted_date,
    date_diff('day', line.order_date, line.checked_date) AS order_to_checked_days,
    date_diff('day', line.checked_date, line.shipped_date) AS checked_to_shipped_days,
    date_diff('day', line.shipped_date, line.accepted_date) AS shipped_to_accepted_days,
    date_diff('day', line.order_date, line.accepted_date) AS order_to_accepted_days,
    line.serial_no,
    line.salesperson,
    line.department
FROM converted AS line
LEFT JOIN core.dealer AS dealer ON dealer.dealer_code = line.dealer_code
LEFT JOIN core.product AS product ON product.product_code = line.product_code
LEFT JOIN core.region AS region ON region.province = line.place
LEFT JOIN core.industry AS industry ON industry.industry = line.industry
