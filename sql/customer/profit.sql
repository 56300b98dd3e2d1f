/* ---
description: >
  What each customer leaves in the trailing twelve months, which end with the latest month complete in orders; sales by
  the order month, complaints by the local month of receipt, visits by their month. contribution is revenue less cost,
  complaint_cost and account_cost. Lines whose unit cost is not known have revenue and no cost: uncosted_revenue says how
  much of the revenue that is, and contribution is too high by its cost. A complaint of an unknown kind or priority, and
  a visit of an unknown length, cost nothing. contribution_share is of the sum over all customers. Rows that name no customer are left out.
owner: customer-management
key: [customer_id]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 滚动12月收入, en: T12m revenue }, description: Revenue of the trailing twelve months. }
  cost: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 销售成本, en: Cost }, description: Cost of the lines whose cost is known. }
  complaint_cost: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 投诉成本, en: Complaint cost }, description: "Complaints received, at the cost of their kind and priority." }
  account_cost: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 客户维护成本, en: Account cost }, description: "Minutes of visits, at the cost of a minute." }
  contribution: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 贡献, en: Contribution }, description: Revenue less the three costs. }
  contribution_share: { type: double, unit: share, title: { zh: 贡献占比, en: Contribution share }, description: Of the sum over all customers. }
  profit_rank: { type: bigint, title: { zh: 贡献排名, en: Profit rank }, description: Rank by contribution. }
  is_unprofitable: { type: boolean, title: { zh: 是否亏损, en: Is unprofitable }, description: Contribution is negative. }
  return_on_effort_ratio: { type: double, unit: ratio, title: { zh: 投入回报比, en: Return on effort }, description: "Contribution before account cost, of account cost; NULL without visits." }
  uncosted_revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 成本未知的收入, en: Uncosted revenue }, description: Revenue of the lines whose cost is not known. }
  complaint_count: { type: bigint, unit: complaints, title: { zh: 投诉数, en: Complaints }, description: Complaints received. }
  visit_count: { type: bigint, unit: visits, title: { zh: 拜访次数, en: Visits }, description: Visits. }
checks:
  - not_null: [customer_id, revenue, cost, complaint_cost, account_cost, contribution, profit_rank, is_unprofitable]
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
  - expr: contribution = revenue - cost - complaint_cost - account_cost
  - expr: complaint_cost >= 0 and account_cost >= 0
  - expr: is_unprofitable = (contribution < 0)
  - expr: (SELECT abs(coalesce(sum(contribution_share), 1) - 1) / greatest(coalesce(max(abs(contribution_share)), 1), 1) FROM customer.profit) < 0.000000001
    name: shares_add_to_1
  - expr: (SELECT count(*) FROM customer.profit AS profit JOIN customer.revenue_grade AS grade ON grade.customer_id = profit.customer_id WHERE profit.revenue = grade.revenue) = (SELECT count(*) FROM core.customer)
    name: revenue_is_that_of_the_grade
--- */
WITH t12m_end AS (
    -- domain.md, section 1, "Periods": the latest complete month, by order lines
    SELECT max(month) AS month FROM core.month WHERE is_order_complete
),

t12m_month AS (
    SELECT month.month
    FROM core.month AS month
    JOIN t12m_end ON month.month <= t12m_end.month AND month.month > t12m_end.month - INTERVAL '12 months'
),

customer_sales AS (
    SELECT
        line.customer_id,
        sum(line.revenue) AS revenue,
        sum(line.cost) AS cost,
        sum(CASE WHEN line.cost IS NULL THEN line.revenue END) AS uncosted_revenue
    FROM core.sales AS line
    JOIN t12m_month ON t12m_month.month = line.order_month
    GROUP BY line.customer_id
),

customer_complaint AS (
    SELECT
        complaint.customer_id,
        count(*) AS complaint_count,
        sum(complaint_cost.amount) AS complaint_cost
    FROM core.complaint AS complaint
    JOIN t12m_month ON t12m_month.month = complaint.month
    LEFT JOIN core.complaint_cost AS complaint_cost
        ON complaint_cost.kind = complaint.kind AND complaint_cost.priority = complaint.priority
    GROUP BY complaint.customer_id
),

customer_visit AS (
    SELECT
        visit.customer_id,
        count(*) AS visit_count,
        sum(visit.minutes) AS minutes
    FROM core.visit AS visit
    JOIN t12m_month ON t12m_month.month = visit.month
    GROUP BY visit.customer_id
),

policy AS (
    -- the table has no period: the policy in force on run_date
    SELECT max(CAST(value AS DECIMAL(18, 6))) AS minute_cost
    FROM core.policy
    WHERE key = 'customer.profit.visit_minute_cost' AND in_force(valid_from, valid_to, $run_date)
),

costed_customer AS (
    SELECT
        customer.customer_id,
        CAST(coalesce(sales.revenue, 0) AS DECIMAL(18, 2)) AS revenue,
        CAST(coalesce(sales.cost, 0) AS DECIMAL(18, 2)) AS cost,
        CAST(coalesce(complaint.complaint_cost, 0) AS DECIMAL(18, 2)) AS complaint_cost,
        CAST(round(coalesce(visit.minutes, 0) * policy.minute_cost, 2) AS DECIMAL(18, 2)) AS account_cost,
        CAST(coalesce(sales.uncosted_revenue, 0) AS DECIMAL(18, 2)) AS uncosted_revenue,
        coalesce(complaint.complaint_count, 0) AS complaint_count,
        coalesce(visit.visit_count, 0) AS visit_count
    FROM core.customer AS customer
    CROSS JOIN policy
    LEFT JOIN customer_sales AS sales ON sales.customer_id = customer.customer_id
    LEFT JOIN customer_complaint AS complaint ON complaint.customer_id = customer.customer_id
    LEFT JOIN customer_visit AS visit ON visit.customer_id = customer.customer_id
),

contributing_customer AS (
    SELECT
        *,
        CAST(revenue - cost - complaint_cost - account_cost AS DECIMAL(18, 2)) AS contribution
    FROM costed_customer
)

SELECT
    customer_id,
    revenue,
    cost,
    complaint_cost,
    account_cost,
    contribution,
    CAST(contribution AS DOUBLE) / nullif(CAST(sum(contribution) OVER () AS DOUBLE), 0) AS contribution_share,
    CAST(rank() OVER (ORDER BY contribution DESC) AS BIGINT) AS profit_rank,
    contribution < 0 AS is_unprofitable,
    CAST(contribution + account_cost AS DOUBLE) / nullif(CAST(account_cost AS DOUBLE), 0) AS return_on_effort_ratio,
    uncosted_revenue,
    complaint_count,
    visit_count
FROM contributing_customer
