/* ---
description: >
  What was planned with an account and what became of it, by year, product type and region. Actuals are those of the
  account's customer up to run_date: a year that is running is measured against the plan of the whole year, and
  months_covered says how many of its months are complete in orders. Two accounts of one customer that plan the same
  product type and region see the same actuals. actual_account_cost is that of the visits to the account in the year,
  which name no product: it is divided among the rows of the account's plan in proportion to their planned cost
  (equally where none is planned), so that the rows add up to it to the cent. The actual contribution is revenue less
  cost, the complaints of that product type and region, and this account cost; its rate is of revenue. Lines whose unit
  cost is not known have no cost. The actual wallet share is that of the latest census, in all regions, whatever the
  year. Of an account that names no customer only the account cost is known.
owner: customer-management
key: [account_id, year, product_type, region]
partition_by: [year]
columns:
  account_id: { type: string, title: { zh: 客户号, en: Account }, description: Account as delivered. }
  year: { type: int, title: { zh: 年度, en: Year }, description: Year of the plan. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  planned_revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 计划收入, en: Planned revenue }, description: Revenue planned for the year. }
  actual_revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 实际收入, en: Actual revenue }, description: Revenue of the year up to run_date. }
  planned_contribution_rate: { type: double, unit: share, title: { zh: 计划贡献率, en: Planned contribution rate }, description: Planned contribution of revenue. }
  actual_contribution_rate: { type: double, unit: share, title: { zh: 实际贡献率, en: Actual contribution rate }, description: Contribution of revenue. }
  planned_account_cost: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 计划客户费用, en: Planned account cost }, description: Planned cost of visits. }
  actual_account_cost: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 实际客户费用, en: Actual account cost }, description: The row's part of the cost of the account's visits. }
  planned_wallet_share: { type: double, unit: share, title: { zh: 计划钱包份额, en: Planned wallet share }, description: Planned part of the fleet. }
  actual_wallet_share: { type: double, unit: share, title: { zh: 实际钱包份额, en: Actual wallet share }, description: Own part of the fleet in the latest census. }
  attainment_rate: { type: double, unit: ratio, title: { zh: 收入达成率, en: Attainment }, description: Actual revenue of that planned. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: "Customer of the account, `unknown` where none is known." }
  actual_contribution: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 实际贡献, en: Actual contribution }, description: "Revenue less cost, complaint cost and account cost." }
  months_covered: { type: bigint, unit: months, title: { zh: 覆盖月数, en: Months covered }, description: Complete months of the year. }
checks:
  - not_null: [account_id, year, product_type, region, customer_id, months_covered]
  - expr: months_covered between 0 and 12
  - expr: actual_wallet_share between 0 and 1
  - expr: (actual_revenue is null) = (customer_id = 'unknown')
  - expr: actual_account_cost >= 0
  - expr: (SELECT count(*) FROM customer.account_plan) = (SELECT count(*) FROM core.account_plan)
    name: every_plan_has_a_row
--- */
WITH account_year AS (
    SELECT
        account_id,
        year,
        sum(coalesce(planned_account_cost, 0)) AS planned_cost,
        count(*) AS plans
    FROM core.account_plan
    GROUP BY account_id, year
),

year_policy AS (
    -- the policy in force on 31 December
    SELECT
        plan_year.year,
        max(CAST(policy.value AS DECIMAL(18, 6))) AS minute_cost
    FROM (SELECT DISTINCT year FROM account_year) AS plan_year
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over one policy
        ON in_force(policy.valid_from, policy.valid_to, make_date(plan_year.year, 12, 31))
    WHERE policy.key = 'customer.profit.visit_minute_cost'
    GROUP BY plan_year.year
),

visited_year AS (
    SELECT
        account_id,
        CAST(date_part('year', month) AS INT) AS year,
        sum(minutes) AS minutes
    FROM core.visit
    GROUP BY account_id, date_part('year', month)
),

account_cost AS (
    SELECT
        account_year.account_id,
        account_year.year,
        CAST(round(coalesce(visited_year.minutes, 0) * year_policy.minute_cost, 2) AS DECIMAL(18, 2)) AS amount
    FROM account_year
    LEFT JOIN year_policy ON year_policy.year = account_year.year
    LEFT JOIN visited_year ON visited_year.account_id = account_year.account_id AND visited_year.year = account_year.year
),

weighed_plan AS (
    -- the weight of a row: its planned cost, or 1 where the account plans none
    SELECT
        plan.*,
        CASE WHEN account_year.planned_cost > 0 THEN coalesce(plan.planned_account_cost, 0) ELSE 1 END AS weight,
        CAST(CASE WHEN account_year.planned_cost > 0 THEN account_year.planned_cost ELSE account_year.plans END AS DECIMAL(18, 2))
            AS total_weight
    FROM core.account_plan AS plan
    JOIN account_year ON account_year.account_id = plan.account_id AND account_year.year = plan.year
),

placed_plan AS (
    SELECT
        *,
        CAST(sum(weight) OVER (PARTITION BY account_id, year ORDER BY product_type, region) AS DECIMAL(18, 2)) AS weight_up_to_here
    FROM weighed_plan
),

costed_plan AS (
    -- what is due up to this row less what was due before it: the parts add up to the cent
    SELECT
        plan.*,
        CAST(round(cost.amount * plan.weight_up_to_here / plan.total_weight, 2) AS DECIMAL(18, 2))
            - CAST(round(cost.amount * (plan.weight_up_to_here - plan.weight) / plan.total_weight, 2) AS DECIMAL(18, 2))
            AS account_cost
    FROM placed_plan AS plan
    LEFT JOIN account_cost AS cost ON cost.account_id = plan.account_id AND cost.year = plan.year
),

sold_year AS (
    SELECT
        customer_id,
        CAST(date_part('year', order_month) AS INT) AS year,
        product_type,
        region,
        sum(revenue) AS revenue,
        sum(cost) AS cost
    FROM core.sales
    WHERE customer_id IN (SELECT customer_id FROM core.account_plan)
    GROUP BY customer_id, date_part('year', order_month), product_type, region
),

complained_year AS (
    SELECT
        complaint.customer_id,
        CAST(date_part('year', complaint.month) AS INT) AS year,
        complaint.product_type,
        complaint.region,
        sum(complaint_cost.amount) AS complaint_cost
    FROM core.complaint AS complaint
    LEFT JOIN core.complaint_cost AS complaint_cost
        ON complaint_cost.kind = complaint.kind AND complaint_cost.priority = complaint.priority
    WHERE complaint.customer_id IN (SELECT customer_id FROM core.account_plan)
    GROUP BY complaint.customer_id, date_part('year', complaint.month), complaint.product_type, complaint.region
),

covered_year AS (
    SELECT year, count(*) AS months_covered
    FROM core.month
    WHERE is_order_complete
    GROUP BY year
),

measured_plan AS (
    SELECT
        plan.*,
        plan.customer_id <> 'unknown' AS is_known,
        coalesce(sold.revenue, 0) AS revenue,
        coalesce(sold.revenue, 0) - coalesce(sold.cost, 0) - coalesce(complained.complaint_cost, 0) - plan.account_cost AS contribution,
        wallet.wallet_share,
        coalesce(covered_year.months_covered, 0) AS months_covered
    FROM costed_plan AS plan
    LEFT JOIN sold_year AS sold
        ON sold.customer_id = plan.customer_id
        AND sold.year = plan.year
        AND sold.product_type = plan.product_type
        AND sold.region = plan.region
    LEFT JOIN complained_year AS complained
        ON complained.customer_id = plan.customer_id
        AND complained.year = plan.year
        AND complained.product_type = plan.product_type
        AND complained.region = plan.region
    LEFT JOIN customer.wallet AS wallet
        ON wallet.customer_id = plan.customer_id AND wallet.product_type = plan.product_type
    LEFT JOIN covered_year ON covered_year.year = plan.year
)

SELECT
    account_id,
    year,
    product_type,
    region,
    planned_revenue,
    CAST(CASE WHEN is_known THEN revenue END AS DECIMAL(18, 2)) AS actual_revenue,
    planned_contribution_rate,
    CASE WHEN is_known THEN CAST(contribution AS DOUBLE) / nullif(CAST(revenue AS DOUBLE), 0) END AS actual_contribution_rate,
    planned_account_cost,
    CAST(account_cost AS DECIMAL(18, 2)) AS actual_account_cost,
    planned_wallet_share,
    wallet_share AS actual_wallet_share,
    CASE WHEN is_known THEN CAST(revenue AS DOUBLE) / nullif(CAST(planned_revenue AS DOUBLE), 0) END AS attainment_rate,
    customer_id,
    CAST(CASE WHEN is_known THEN contribution END AS DECIMAL(18, 2)) AS actual_contribution,
    months_covered
FROM measured_plan
