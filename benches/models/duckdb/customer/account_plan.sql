-- domain.md, section 6: what was planned with an account, and what its customer did.
WITH visit_policy AS (
    SELECT year.year, max(policy.value)::DECIMAL(18, 6) AS minute_cost
    FROM (SELECT DISTINCT year, make_date(year, 12, 31) AS last_date FROM core.account_plan) AS year
    JOIN core.policy AS policy ON year.last_date >= policy.valid_from AND (policy.valid_to IS NULL OR year.last_date < policy.valid_to)
    WHERE policy.key = 'customer.profit.visit_minute_cost'
    GROUP BY year.year
),
covered AS (
    SELECT year, count(*) AS months_covered FROM core.month WHERE is_order_complete GROUP BY year
),
sold AS (
    SELECT customer_id, product_type, region, year(order_month) AS year, sum(revenue) AS revenue, sum(cost) AS cost
    FROM core.sales
    GROUP BY ALL
),
complained AS (
    SELECT complaint.customer_id, complaint.product_type, complaint.region, year(complaint.month) AS year, sum(price.amount) AS complaint_cost
    FROM core.complaint AS complaint
    JOIN core.complaint_cost AS price ON price.kind = complaint.kind AND price.priority = complaint.priority
    GROUP BY ALL
),
visited AS (
    SELECT visit.account_id, year(visit.month) AS year, round(sum(visit.minutes) * any_value(visit_policy.minute_cost), 2) AS account_cost
    FROM core.visit AS visit
    JOIN visit_policy ON visit_policy.year = year(visit.month)
    GROUP BY ALL
),
weighed AS (
    -- equal parts where nothing is planned
    SELECT
        *,
        CASE WHEN sum(coalesce(planned_account_cost, 0)) OVER whole > 0 THEN coalesce(planned_account_cost, 0) ELSE 1 END AS weight
    FROM core.account_plan
    WINDOW whole AS (PARTITION BY account_id, year)
),
divided AS (
    -- each row takes the cents up to it less those before it
    SELECT
        weighed.*,
        coalesce(visited.account_cost, 0) AS account_cost,
        (sum(weight) OVER (PARTITION BY weighed.account_id, weighed.year ORDER BY product_type, region))::DECIMAL(18, 2) AS weight_to,
        (sum(weight) OVER (PARTITION BY weighed.account_id, weighed.year))::DECIMAL(18, 2) AS weight_total
    FROM weighed
    LEFT JOIN visited ON visited.account_id = weighed.account_id AND visited.year = weighed.year
),
actual AS (
    SELECT
        divided.*,
        round(account_cost::DOUBLE * weight_to::DOUBLE / weight_total::DOUBLE, 2)::DECIMAL(18, 2)
            - round(account_cost::DOUBLE * (weight_to - weight)::DOUBLE / weight_total::DOUBLE, 2)::DECIMAL(18, 2) AS actual_account_cost,
        coalesce(sold.revenue, 0)::DECIMAL(18, 2) AS revenue,
        coalesce(sold.cost, 0)::DECIMAL(18, 2) AS cost,
        coalesce(complained.complaint_cost, 0)::DECIMAL(18, 2) AS complaint_cost
    FROM divided
    LEFT JOIN sold ON sold.customer_id = divided.customer_id AND sold.product_type = divided.product_type
        AND sold.region = divided.region AND sold.year = divided.year
    LEFT JOIN complained ON complained.customer_id = divided.customer_id AND complained.product_type = divided.product_type
        AND complained.region = divided.region AND complained.year = divided.year
),
judged AS (
    SELECT
        *,
        CASE WHEN customer_id <> 'unknown' THEN revenue END AS actual_revenue,
        CASE WHEN customer_id <> 'unknown' THEN (revenue - cost - complaint_cost - actual_account_cost)::DECIMAL(18, 2) END AS actual_contribution
    FROM actual
)
SELECT
    judged.account_id,
    judged.year,
    judged.product_type,
    judged.region,
    judged.planned_revenue,
    judged.actual_revenue,
    judged.planned_contribution_rate,
    judged.actual_contribution::DOUBLE / nullif(judged.actual_revenue::DOUBLE, 0) AS actual_contribution_rate,
    judged.planned_account_cost,
    judged.actual_account_cost::DECIMAL(18, 2) AS actual_account_cost,
    judged.planned_wallet_share,
    wallet.wallet_share AS actual_wallet_share,
    judged.actual_revenue::DOUBLE / nullif(judged.planned_revenue::DOUBLE, 0) AS attainment_rate,
    judged.customer_id,
    judged.actual_contribution,
    coalesce(covered.months_covered, 0) AS months_covered
FROM judged
LEFT JOIN customer.wallet AS wallet ON wallet.customer_id = judged.customer_id AND wallet.product_type = judged.product_type
LEFT JOIN covered ON covered.year = judged.year
