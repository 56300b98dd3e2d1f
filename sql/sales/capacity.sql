/* ---
description: >
  Whether a region has sellers enough for its accounts, by quarter. required_hours: the visits that policy asks for, by
  revenue grade, for every account of the CRM in the region (accounts are taken as delivered, whatever the quarter);
  the grade is that of the account's customer over the twelve months that end with the latest complete month of the
  quarter, and C without revenue or without a customer. available_hours: the hours of the policy for each seller of the
  region who kept a diary in the quarter, times the share of their time that generates revenue (sales.time_use).
  sellers_needed is how many sellers with that share the required hours take, with decimals; gap_sellers is that less
  the sellers. Where no diary was kept there are no available hours, and nobody knows how many sellers are needed.
  Policies are those in force at the end of the quarter. Quarters begin with the first complete month of order lines.
owner: sales-operations
key: [region, quarter]
columns:
  region: { type: string, title: { zh: 大区, en: Region }, description: Region of the accounts and sellers. }
  quarter: { type: date, title: { zh: 季度, en: Quarter }, description: First day of the quarter. }
  required_hours: { type: double, unit: hours, title: { zh: 所需工时, en: Required hours }, description: Hours of visits that the accounts ask for. }
  available_hours: { type: double, unit: hours, title: { zh: 可用工时, en: Available hours }, description: Hours of the sellers that generate revenue. }
  sellers_needed: { type: double, unit: people, title: { zh: 所需销售员数, en: Sellers needed }, description: Sellers that the required hours take. }
  gap_sellers: { type: double, unit: people, title: { zh: 销售员缺口, en: Gap }, description: "Sellers needed less sellers; negative where there are more." }
  seller_count: { type: bigint, unit: people, title: { zh: 销售员数, en: Sellers }, description: Sellers with a diary in the quarter. }
  revenue_generating_share: { type: double, unit: share, title: { zh: 创收时间占比, en: Revenue-generating share }, description: Share of their time. }
  grade_a_count: { type: bigint, unit: accounts, title: { zh: A级客户数, en: Grade A accounts }, description: Accounts of grade A. }
  grade_b_count: { type: bigint, unit: accounts, title: { zh: B级客户数, en: Grade B accounts }, description: Accounts of grade B. }
  grade_c_count: { type: bigint, unit: accounts, title: { zh: C级客户数, en: Grade C accounts }, description: Accounts of grade C. }
checks:
  - not_null: [region, quarter, required_hours, available_hours, seller_count, grade_a_count, grade_b_count, grade_c_count]
  - expr: required_hours >= 0 and available_hours >= 0 and sellers_needed >= 0
  - expr: (sellers_needed is null) = (coalesce(revenue_generating_share, 0) = 0)
  - expr: >-
      (SELECT count(*) FROM (SELECT sum(grade_a_count + grade_b_count + grade_c_count) AS accounts FROM sales.capacity GROUP BY quarter) AS whole
      WHERE accounts <> (SELECT count(*) FROM core.account)) = 0
    name: no_account_is_lost
--- */
WITH ordered_quarter AS (
    SELECT quarter, max(order_t12m_month) AS grade_month
    FROM core.month
    WHERE order_t12m_month IS NOT NULL
    GROUP BY quarter
),

graded_region AS (
    -- a customer without a grade is a C, as one that has it, and most are: only the others are looked up
    SELECT
        ordered.quarter,
        account.region,
        count(*) FILTER (WHERE grade.revenue_grade = 'A') AS grade_a_count,
        count(*) FILTER (WHERE grade.revenue_grade = 'B') AS grade_b_count
    FROM customer.monthly_grade AS grade
    JOIN ordered_quarter AS ordered ON ordered.grade_month = grade.month
    JOIN core.account AS account ON account.customer_id = grade.customer_id
    WHERE grade.revenue_grade IN ('A', 'B')
    GROUP BY ordered.quarter, account.region
),

region AS (
    SELECT region, count(*) AS account_count
    FROM core.account
    GROUP BY region
),

region_account AS (
    SELECT
        ordered.quarter,
        region.region,
        coalesce(graded.grade_a_count, 0) AS grade_a_count,
        coalesce(graded.grade_b_count, 0) AS grade_b_count,
        region.account_count - coalesce(graded.grade_a_count, 0) - coalesce(graded.grade_b_count, 0) AS grade_c_count
    FROM region
    CROSS JOIN ordered_quarter AS ordered
    LEFT JOIN graded_region AS graded ON graded.quarter = ordered.quarter AND graded.region = region.region
),

region_seller AS (
    -- both stand alike on each of the ten rows
    SELECT
        time_use.quarter,
        time_use.region,
        max(time_use.seller_count) AS seller_count,
        max(time_use.revenue_generating_share) AS revenue_generating_share
    FROM sales.time_use AS time_use
    JOIN ordered_quarter ON ordered_quarter.quarter = time_use.quarter
    GROUP BY time_use.quarter, time_use.region
),

quarter_policy AS (
    SELECT
        ordered.quarter,
        max(CASE WHEN policy.key = 'sales.capacity.visits_grade_a' THEN policy.value END) AS visits_a,
        max(CASE WHEN policy.key = 'sales.capacity.minutes_grade_a' THEN policy.value END) AS minutes_a,
        max(CASE WHEN policy.key = 'sales.capacity.visits_grade_b' THEN policy.value END) AS visits_b,
        max(CASE WHEN policy.key = 'sales.capacity.minutes_grade_b' THEN policy.value END) AS minutes_b,
        max(CASE WHEN policy.key = 'sales.capacity.visits_grade_c' THEN policy.value END) AS visits_c,
        max(CASE WHEN policy.key = 'sales.capacity.minutes_grade_c' THEN policy.value END) AS minutes_c,
        max(CASE WHEN policy.key = 'sales.capacity.available_hours' THEN policy.value END) AS seller_hours
    FROM ordered_quarter AS ordered
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over seven policies
        ON in_force(policy.valid_from, policy.valid_to, ordered.quarter + INTERVAL '3 months' - INTERVAL '1 day')
    WHERE policy.key LIKE 'sales.capacity.%'
    GROUP BY ordered.quarter
),

counted_region AS (
    SELECT
        coalesce(account.quarter, seller.quarter) AS quarter,
        coalesce(account.region, seller.region) AS region,
        coalesce(account.grade_a_count, 0) AS grade_a_count,
        coalesce(account.grade_b_count, 0) AS grade_b_count,
        coalesce(account.grade_c_count, 0) AS grade_c_count,
        coalesce(seller.seller_count, 0) AS seller_count,
        seller.revenue_generating_share
    FROM region_account AS account
    FULL JOIN region_seller AS seller ON seller.quarter = account.quarter AND seller.region = account.region
),

measured_region AS (
    SELECT
        region.*,
        (
            region.grade_a_count * policy.visits_a * policy.minutes_a
            + region.grade_b_count * policy.visits_b * policy.minutes_b
            + region.grade_c_count * policy.visits_c * policy.minutes_c
        ) / 60 AS required_hours,
        policy.seller_hours * coalesce(region.revenue_generating_share, 0) AS hours_of_a_seller
    FROM counted_region AS region
    LEFT JOIN quarter_policy AS policy ON policy.quarter = region.quarter
)

SELECT
    region,
    quarter,
    required_hours,
    seller_count * hours_of_a_seller AS available_hours,
    required_hours / nullif(hours_of_a_seller, 0) AS sellers_needed,
    required_hours / nullif(hours_of_a_seller, 0) - seller_count AS gap_sellers,
    seller_count,
    revenue_generating_share,
    grade_a_count,
    grade_b_count,
    grade_c_count
FROM measured_region
