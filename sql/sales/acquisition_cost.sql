/* ---
description: >
  What a new customer costs against one that stays, by quarter. New are the customers whose first order lies in the
  quarter. acquisition_cost, for each of them: the visits of the quarter to accounts whose customer had no order up to
  the day of the visit (also those of no known customer), and the campaigns that begin in the quarter.
  retention_cost, for each customer retained: the visits to customers who had ordered; retained are those who were
  customers at the start of the quarter and are not lost at its end (customer.retention), who are known once the
  quarter is complete. A visit costs its minutes at the rate of the policy at the end of the quarter; one without a
  duration costs nothing. A campaign without a cost adds none. Both costs are rounded to cents, ratio is taken before.
  A row for each quarter with a first order, a visit or a campaign up to run_date.
owner: sales-operations
key: [quarter]
columns:
  quarter: { type: date, title: { zh: 季度, en: Quarter }, description: First day of the quarter. }
  new_customer_count: { type: bigint, unit: customers, title: { zh: 新客户数, en: New customers }, description: Customers whose first order lies in the quarter. }
  acquisition_cost: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 单位获客成本, en: Cost of a new customer }, description: "Visits to non-customers and campaigns, for each new customer." }
  retention_cost: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 单位维系成本, en: Cost of a retained customer }, description: "Visits to customers, for each one retained." }
  ratio: { type: double, unit: ratio, title: { zh: 获客与维系成本比, en: Ratio }, description: Cost of a new customer to that of a retained one. }
  benchmark_ratio: { type: double, unit: ratio, title: { zh: 标杆比, en: Benchmark }, description: Benchmark of the policy. }
  prospect_visit_cost: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 非客户拜访成本, en: Visits to non-customers }, description: Cost of all visits to non-customers. }
  campaign_cost: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 活动成本, en: Campaigns }, description: Cost of the campaigns that begin in the quarter. }
  account_cost: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 客户拜访成本, en: Visits to customers }, description: Cost of all visits to customers. }
  retained_customer_count: { type: bigint, unit: customers, title: { zh: 维系客户数, en: Retained customers }, description: "Not lost over the quarter; NULL until it is complete." }
checks:
  - not_null: [quarter, new_customer_count, prospect_visit_cost, campaign_cost, account_cost, benchmark_ratio]
  - expr: acquisition_cost >= 0 and retention_cost >= 0 and ratio >= 0
  - expr: (acquisition_cost is null) = (new_customer_count = 0)
  - expr: (SELECT sum(new_customer_count) FROM sales.acquisition_cost) = (SELECT count(first_order_date) FROM core.customer)
    name: every_customer_was_new_once
--- */
WITH new_customer AS (
    SELECT CAST(date_trunc('quarter', first_order_date) AS DATE) AS quarter, count(*) AS new_customer_count
    FROM core.customer
    WHERE first_order_date IS NOT NULL
    GROUP BY date_trunc('quarter', first_order_date)
),

visited AS (
    SELECT
        CAST(date_trunc('quarter', visit.month) AS DATE) AS quarter,
        sum(CASE WHEN customer.first_order_date <= visit.visited_date THEN 0 ELSE visit.minutes END) AS prospect_minutes,
        sum(CASE WHEN customer.first_order_date <= visit.visited_date THEN visit.minutes ELSE 0 END) AS customer_minutes
    FROM core.visit AS visit
    LEFT JOIN core.customer AS customer ON customer.customer_id = visit.customer_id
    GROUP BY date_trunc('quarter', visit.month)
),

campaigned AS (
    SELECT quarter, sum(cost_amount) AS campaign_cost
    FROM core.campaign
    WHERE from_date <= $run_date
    GROUP BY quarter
),

retained AS (
    SELECT quarter, sum(customers_at_start_count - lost_count) AS retained_customer_count
    FROM customer.retention
    GROUP BY quarter
),

counted_quarter AS (
    SELECT quarter FROM new_customer
    UNION
    SELECT quarter FROM visited
    UNION
    SELECT quarter FROM campaigned
),

quarter_policy AS (
    SELECT
        counted.quarter,
        max(CASE WHEN policy.key = 'customer.profit.visit_minute_cost' THEN CAST(policy.value AS DECIMAL(18, 6)) END) AS minute_cost,
        max(CASE WHEN policy.key = 'sales.acquisition_cost.ratio_benchmark' THEN policy.value END) AS benchmark_ratio
    FROM counted_quarter AS counted
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over two policies
        ON in_force(policy.valid_from, policy.valid_to, counted.quarter + INTERVAL '3 months' - INTERVAL '1 day')
    WHERE policy.key IN ('customer.profit.visit_minute_cost', 'sales.acquisition_cost.ratio_benchmark')
    GROUP BY counted.quarter
),

costed_quarter AS (
    SELECT
        counted.quarter,
        coalesce(new_customer.new_customer_count, 0) AS new_customer_count,
        CAST(round(coalesce(visited.prospect_minutes, 0) * policy.minute_cost, 2) AS DECIMAL(18, 2)) AS prospect_visit_cost,
        CAST(round(coalesce(visited.customer_minutes, 0) * policy.minute_cost, 2) AS DECIMAL(18, 2)) AS account_cost,
        CAST(coalesce(campaigned.campaign_cost, 0) AS DECIMAL(18, 2)) AS campaign_cost,
        retained.retained_customer_count,
        policy.benchmark_ratio
    FROM counted_quarter AS counted
    LEFT JOIN new_customer ON new_customer.quarter = counted.quarter
    LEFT JOIN visited ON visited.quarter = counted.quarter
    LEFT JOIN campaigned ON campaigned.quarter = counted.quarter
    LEFT JOIN retained ON retained.quarter = counted.quarter
    LEFT JOIN quarter_policy AS policy ON policy.quarter = counted.quarter
)

SELECT
    quarter,
    new_customer_count,
    CAST(round((prospect_visit_cost + campaign_cost) / nullif(new_customer_count, 0), 2) AS DECIMAL(18, 2)) AS acquisition_cost,
    CAST(round(account_cost / nullif(retained_customer_count, 0), 2) AS DECIMAL(18, 2)) AS retention_cost,
    -- one cost divided by the other, with the division last
    CAST((prospect_visit_cost + campaign_cost) * retained_customer_count AS DOUBLE)
        / nullif(CAST(account_cost * new_customer_count AS DOUBLE), 0) AS ratio,
    benchmark_ratio,
    prospect_visit_cost,
    campaign_cost,
    account_cost,
    retained_customer_count
FROM costed_quarter
