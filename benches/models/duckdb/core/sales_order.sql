-- domain.md, section 1, "Order", and section 3: the order of each number, by its first line that is no return; sums include returns.
WITH numbered AS (
    SELECT *, row_number() OVER (PARTITION BY dealer_code, order_no ORDER BY is_return, line_no) AS place FROM core.sales
),
first_line AS (
    SELECT * FROM numbered WHERE place = 1 AND NOT is_return
),
ordered AS (
    SELECT
        dealer_code,
        order_no,
        min(order_date) FILTER (WHERE NOT is_return) AS order_date,
        first(customer_id ORDER BY line_no) FILTER (WHERE NOT is_return AND customer_id <> 'unknown') AS customer_id,
        count(*) AS line_count,
        sum(units)::BIGINT AS units,
        sum(revenue)::DECIMAL(18, 2) AS revenue,
        sum(cost)::DECIMAL(18, 2) AS cost,
        sum(margin)::DECIMAL(18, 2) AS margin,
        sum(discount_amount)::DECIMAL(18, 2) AS discount_amount,
        bool_or(line_kind = 'machine') AS has_machine,
        bool_or(is_financed) FILTER (WHERE NOT is_return) AS is_financed,
        max(promised_date) FILTER (WHERE NOT is_return) AS promised_date,
        count(*) FILTER (WHERE line_kind IN ('machine', 'part')) AS delivered_count,
        count(checked_date) FILTER (WHERE line_kind IN ('machine', 'part')) AS checked_count,
        count(shipped_date) FILTER (WHERE line_kind IN ('machine', 'part')) AS shipped_count,
        count(accepted_date) FILTER (WHERE line_kind IN ('machine', 'part')) AS accepted_count,
        max(checked_date) FILTER (WHERE NOT is_return) AS checked_date,
        max(shipped_date) FILTER (WHERE NOT is_return) AS shipped_date,
        max(accepted_date) FILTER (WHERE NOT is_return) AS accepted_date
    FROM core.sales
    GROUP BY dealer_code, order_no
)
SELECT
    first_line.dealer_code,
    first_line.order_no,
    date_trunc('month', ordered.order_date)::DATE AS order_month,
    ordered.order_date,
    coalesce(ordered.customer_id, 'unknown') AS customer_id,
    first_line.dealer,
    first_line.order_kind,
    first_line.channel,
    first_line.province,
    first_line.region,
    first_line.country,
    first_line.industry,
    first_line.industry_group,
    first_line.salesperson,
    first_line.department,
    ordered.line_count,
    ordered.units,
    ordered.revenue,
    ordered.cost,
    ordered.margin,
    ordered.discount_amount,
    ordered.has_machine,
    ordered.is_financed,
    ordered.promised_date,
    CASE WHEN ordered.checked_count = ordered.delivered_count THEN ordered.checked_date END AS checked_date,
    CASE WHEN ordered.shipped_count = ordered.delivered_count THEN ordered.shipped_date END AS shipped_date,
    CASE WHEN ordered.accepted_count = ordered.delivered_count THEN ordered.accepted_date END AS accepted_date
FROM first_line
JOIN ordered ON ordered.dealer_code = first_line.dealer_code AND ordered.order_no = first_line.order_no
