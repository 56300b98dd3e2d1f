-- domain.md, section 4: groups of customers by year; size, need and relationship as of run_date, targets as of the year's end.
WITH policy AS (
    SELECT max(value) FILTER (key = 'segment.customer_group.small_below') AS small_below,
        max(value) FILTER (key = 'segment.customer_group.medium_below') AS medium_below,
        max(value) FILTER (key = 'segment.customer_group.large_below') AS large_below
    FROM core.policy WHERE valid_from <= getvariable('run_date') AND (valid_to IS NULL OR valid_to > getvariable('run_date'))
),
dollar AS (
    SELECT arg_max(rate, month) AS rate FROM staged.fx_rate WHERE currency = 'USD' AND month <= getvariable('run_date')
),
size AS (
    SELECT customer_id, max(size_revenue_amount) AS amount FROM core.account GROUP BY customer_id
),
member AS (
    SELECT customer_id, relationship, need_class, industry,
        CASE WHEN amount IS NULL OR rate IS NULL THEN 'unknown' WHEN amount < small_below * rate THEN 'small' WHEN amount < medium_below * rate THEN 'medium'
            WHEN amount < large_below * rate THEN 'large' ELSE 'multinational' END AS size_class
    FROM core.customer LEFT JOIN size USING (customer_id) LEFT JOIN segment.customer_need USING (customer_id), policy, dollar
),
event AS (
    SELECT year(order_date) AS year, customer_id, 1 AS line, (NOT is_return)::INT AS sale, revenue, CASE WHEN NOT is_return THEN margin END AS margin FROM core.sales
    UNION ALL
    SELECT year(opened_date), customer_id, 0, 0, NULL, NULL FROM core.opportunity
),
active AS (
    SELECT year, customer_id, sum(line) AS lines, sum(sale) AS sales, sum(revenue) AS revenue, sum(margin) AS margin FROM event GROUP BY ALL
),
fleet AS (
    SELECT customer_id, region, product_type, sum(units) AS units, coalesce(sum(units) FILTER (is_own), 0) AS own_units FROM core.fleet GROUP BY ALL
),
fleet_year AS (
    SELECT active.year, active.customer_id, sum(units) AS units, sum(own_units) AS own_units,
        sum(target_share * units) AS wanted_units, sum(units) FILTER (target_share IS NOT NULL) AS judged_units
    FROM active JOIN member USING (customer_id) JOIN fleet USING (customer_id)
    LEFT JOIN core.segment_policy AS policy ON policy.region = fleet.region AND policy.product_type = fleet.product_type AND policy.industry = member.industry
        AND valid_from <= make_date(active.year::INT, 12, 31) AND (valid_to IS NULL OR valid_to > make_date(active.year::INT, 12, 31))
    GROUP BY ALL
),
grouped AS (
    SELECT year, coalesce(size_class, 'unknown') AS size_class, coalesce(need_class, 'unknown') AS need_class, coalesce(relationship, 'unknown') AS relationship,
        count(member.customer_id) AS customer_count, CASE WHEN sum(lines) = 0 THEN 0 ELSE sum(revenue) END AS revenue, CASE WHEN sum(sales) = 0 THEN 0 ELSE sum(margin) END AS margin,
        coalesce(sum(units), 0) AS units, coalesce(sum(own_units), 0) AS own_units, sum(wanted_units) / nullif(sum(judged_units), 0) AS target_share
    FROM active LEFT JOIN member USING (customer_id) LEFT JOIN fleet_year USING (year, customer_id)
    GROUP BY ALL
)
SELECT year::INT AS year, size_class, need_class, relationship, customer_count, revenue::DECIMAL(18, 2) AS revenue,
    margin::DOUBLE / nullif(sum(margin) OVER (PARTITION BY year), 0)::DOUBLE AS profit_share,
    own_units / nullif(units, 0)::DOUBLE AS own_wallet_share, target_share, target_share - own_units / nullif(units, 0)::DOUBLE AS gap_share,
    margin::DECIMAL(18, 2) AS margin, units::BIGINT AS fleet_units, own_units::BIGINT AS own_fleet_units
FROM grouped
