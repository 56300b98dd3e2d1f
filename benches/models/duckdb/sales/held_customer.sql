-- domain.md, section 7: the customers of each manager at the end of each quarter; churn and ladder as of that day.
WITH quarter_of AS (
    SELECT
        quarter,
        least((quarter + INTERVAL 3 MONTH - INTERVAL 1 DAY)::DATE, getvariable('run_date')) AS day,
        (quarter + INTERVAL 3 MONTH - INTERVAL 1 DAY)::DATE AS last_date,
        max(order_t12m_month) AS last_month
    FROM core.month
    WHERE quarter >= (SELECT date_trunc('quarter', min(order_date)) FROM core.customer_order) AND month <= getvariable('run_date')
    GROUP BY quarter
),
limit_of AS (
    SELECT
        quarter,
        max(value) FILTER (key = 'customer.churn.lost_factor') AS lost_factor,
        max(value) FILTER (key = 'customer.churn.lost_days') AS lost_days,
        max(value) FILTER (key = 'customer.churn.minimum_order_days') AS minimum_order_days,
        max(value) FILTER (key = 'customer.loyalty.loyal_orders_from') AS loyal_orders_from,
        max(value) FILTER (key = 'customer.loyalty.loyal_wallet_from') AS loyal_wallet_from
    FROM quarter_of
    JOIN core.policy
        ON (key LIKE 'customer.churn.%' OR key LIKE 'customer.loyalty.%')
        AND valid_from <= last_date AND coalesce(valid_to > last_date, TRUE)
    GROUP BY quarter
),
ordered AS (
    SELECT
        quarter.quarter,
        quarter.day,
        orders.customer_id,
        count(*) AS orders_count,
        count(DISTINCT orders.order_date) AS day_count,
        min(orders.order_date) AS first_date,
        max(orders.order_date) AS last_order_date
    FROM quarter_of AS quarter
    JOIN core.customer_order AS orders ON orders.order_date <= quarter.day AND orders.customer_id <> 'unknown'
    GROUP BY quarter.quarter, quarter.day, orders.customer_id
),
own AS (
    SELECT
        ordered.*,
        coalesce(customer.industry, 'unknown') AS industry,
        date_diff('day', ordered.last_order_date, day) AS recency_days,
        CASE WHEN day_count >= minimum_order_days THEN date_diff('day', first_date, ordered.last_order_date)::DOUBLE / (day_count - 1) END
            AS own_days
    FROM ordered
    JOIN limit_of USING (quarter)
    LEFT JOIN core.customer AS customer USING (customer_id)
),
industry_median AS (
    SELECT quarter, industry, percentile_cont(0.5) WITHIN GROUP (ORDER BY own_days) AS days FROM own GROUP BY quarter, industry
),
overall_median AS (
    SELECT quarter, percentile_cont(0.5) WITHIN GROUP (ORDER BY own_days) AS days FROM own GROUP BY quarter
),
expected AS (
    SELECT
        own.quarter,
        own.customer_id,
        own.orders_count,
        own.recency_days,
        coalesce(own.own_days, industry_median.days, overall_median.days) AS expected_interval_days
    FROM own
    LEFT JOIN industry_median ON industry_median.quarter = own.quarter AND industry_median.industry = own.industry
    LEFT JOIN overall_median ON overall_median.quarter = own.quarter
),
fleet AS (
    -- the censuses known at the end of the quarter: the customer's latest row up to it
    SELECT
        quarter.quarter,
        fleet.customer_id,
        fleet.own_fleet_units::DOUBLE / nullif(fleet.fleet_units, 0) AS wallet_share
    FROM quarter_of AS quarter
    JOIN core.fleet_quarter AS fleet ON fleet.quarter <= quarter.quarter
    QUALIFY row_number() OVER (PARTITION BY quarter.quarter, fleet.customer_id ORDER BY fleet.quarter DESC) = 1
),
held AS (
    SELECT quarter.quarter, quarter.last_month, span.customer_id, span.manager
    FROM quarter_of AS quarter
    JOIN core.customer_manager AS span
        ON span.valid_from <= quarter.day AND coalesce(span.valid_to > quarter.day, TRUE)
)
SELECT
    held.quarter,
    held.customer_id,
    held.manager,
    coalesce(monthly.revenue_grade, 'C') AS revenue_grade,
    coalesce(
        round(expected.recency_days - limit_of.lost_factor * expected.expected_interval_days, 12) > 0
            AND expected.recency_days > limit_of.lost_days,
        FALSE
    ) AS is_lost,
    coalesce(expected.orders_count, 0) >= limit_of.loyal_orders_from
        AND coalesce(round(fleet.wallet_share, 12) >= limit_of.loyal_wallet_from, FALSE) AS is_loyal,
    coalesce(expected.orders_count, 0) AS orders_count,
    fleet.wallet_share,
    expected.recency_days,
    expected.expected_interval_days
FROM held
JOIN limit_of ON limit_of.quarter = held.quarter
LEFT JOIN customer.monthly_grade AS monthly ON monthly.month = held.last_month AND monthly.customer_id = held.customer_id
LEFT JOIN expected ON expected.quarter = held.quarter AND expected.customer_id = held.customer_id
LEFT JOIN fleet ON fleet.quarter = held.quarter AND fleet.customer_id = held.customer_id
