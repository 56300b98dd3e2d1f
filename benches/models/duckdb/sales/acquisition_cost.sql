-- domain.md, section 7: what a new customer costs, against one that stays.
WITH newcomer AS (
    SELECT date_trunc('quarter', first_order_date)::DATE AS quarter, count(*) AS new_customer_count
    FROM core.customer
    WHERE first_order_date IS NOT NULL
    GROUP BY ALL
),
visit AS (
    SELECT
        date_trunc('quarter', visit.visited_date)::DATE AS quarter,
        visit.minutes,
        coalesce(customer.first_order_date <= visit.visited_date, FALSE) AS is_customer
    FROM core.visit AS visit LEFT JOIN core.customer AS customer USING (customer_id)
),
visited AS (
    SELECT
        quarter,
        coalesce(sum(minutes) FILTER (NOT is_customer), 0) AS prospect_minutes,
        coalesce(sum(minutes) FILTER (is_customer), 0) AS account_minutes
    FROM visit
    GROUP BY quarter
),
campaign AS (
    SELECT quarter, coalesce(sum(cost_amount), 0) AS campaign_cost
    FROM core.campaign
    WHERE from_date <= getvariable('run_date')
    GROUP BY quarter
),
retained AS (
    SELECT quarter, sum(customers_at_start_count - lost_count)::BIGINT AS retained_customer_count
    FROM customer.retention
    GROUP BY quarter
),
quarter_of AS (
    SELECT quarter, (quarter + INTERVAL 3 MONTH - INTERVAL 1 DAY)::DATE AS last_date
    FROM (SELECT quarter FROM newcomer UNION SELECT quarter FROM visited UNION SELECT quarter FROM campaign)
),
policy AS (
    SELECT
        quarter,
        max(value) FILTER (key = 'customer.profit.visit_minute_cost')::DECIMAL(18, 6) AS minute_cost,
        max(value) FILTER (key = 'sales.acquisition_cost.ratio_benchmark') AS benchmark_ratio
    FROM quarter_of
    JOIN core.policy
        ON key IN ('customer.profit.visit_minute_cost', 'sales.acquisition_cost.ratio_benchmark')
        AND valid_from <= last_date AND coalesce(valid_to > last_date, TRUE)
    GROUP BY quarter
),
costed AS (
    SELECT
        quarter,
        coalesce(new_customer_count, 0) AS new_customer_count,
        (coalesce(prospect_minutes, 0) * minute_cost)::DECIMAL(18, 2) AS prospect_visit_cost,
        coalesce(campaign_cost, 0)::DECIMAL(18, 2) AS campaign_cost,
        (coalesce(account_minutes, 0) * minute_cost)::DECIMAL(18, 2) AS account_cost,
        retained_customer_count,
        benchmark_ratio
    FROM quarter_of
    LEFT JOIN newcomer USING (quarter)
    LEFT JOIN visited USING (quarter)
    LEFT JOIN campaign USING (quarter)
    LEFT JOIN retained USING (quarter)
    LEFT JOIN policy USING (quarter)
),
divided AS (
    SELECT
        *,
        (prospect_visit_cost + campaign_cost)::DOUBLE / nullif(new_customer_count, 0) AS for_each_new,
        account_cost::DOUBLE / nullif(retained_customer_count, 0) AS for_each_retained
    FROM costed
)
SELECT
    quarter,
    new_customer_count,
    for_each_new::DECIMAL(18, 2) AS acquisition_cost,
    for_each_retained::DECIMAL(18, 2) AS retention_cost,
    for_each_new / nullif(for_each_retained, 0) AS ratio,
    benchmark_ratio,
    prospect_visit_cost,
    campaign_cost,
    account_cost,
    retained_customer_count
FROM divided
