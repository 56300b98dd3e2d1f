/* ---
description: >
  Whether key accounts are visited as often as policy asks: the accounts of the groups that are key today, each with
  the three roles. The trailing twelve months (ending with the latest complete month by order lines) are cut into
  periods of the length that the policy, as of run_date, gives the role, from their first month on; a period is met
  when the role visited the account in it. days_since_visit counts from the role's last visit, whenever it was, to
  run_date and is NULL without one; report_rate is the part of the role's visits in the trailing twelve months of which
  a report was filed.
owner: sales-operations
key: [account_id, visitor_role]
columns:
  account_id: { type: string, title: { zh: 客户号, en: Account }, description: Number of the account. }
  visitor_role: { type: string, title: { zh: 拜访人角色, en: Visitor role }, description: "key_account_manager, regional_manager or executive." }
  required_count: { type: bigint, unit: periods, title: { zh: 应拜访期数, en: Periods }, description: Periods in the trailing twelve months. }
  met_count: { type: bigint, unit: periods, title: { zh: 已拜访期数, en: Periods met }, description: Periods with a visit. }
  coverage_rate: { type: double, unit: rate, title: { zh: 拜访覆盖率, en: Coverage }, description: Periods met of all. }
  days_since_visit: { type: bigint, unit: days, title: { zh: 距上次拜访天数, en: Days since the visit }, description: Days from the last visit to run_date. }
  report_rate: { type: double, unit: rate, title: { zh: 报告提交率, en: Report rate }, description: Visits with a report; NULL without a visit. }
  visit_count: { type: bigint, unit: visits, title: { zh: 拜访次数, en: Visits }, description: Visits of the role in the trailing twelve months. }
  last_visit_date: { type: date, title: { zh: 上次拜访日期, en: Last visit }, description: Day of the last visit. }
  is_overdue: { type: boolean, title: { zh: 是否逾期, en: Is overdue }, description: The last period is not met. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer of the account. }
  group_id: { type: string, title: { zh: 集团编号, en: Group }, description: Group of the customer. }
checks:
  - not_null: [account_id, visitor_role, required_count, met_count, coverage_rate, visit_count, is_overdue, customer_id, group_id]
  - accepted_values: { column: visitor_role, values: [key_account_manager, regional_manager, executive] }
  - expr: met_count between 0 and required_count and required_count between 1 and 12
  - expr: coverage_rate between 0 and 1 and report_rate between 0 and 1
  - expr: (report_rate is null) = (visit_count = 0) and met_count <= visit_count
  - expr: days_since_visit >= 0 and (days_since_visit is null) = (last_visit_date is null)
  - expr: (SELECT count(*) % 3 = 0 FROM sales.visit_coverage)
    name: each_key_account_has_three_roles
--- */
WITH t12m_end AS (
    SELECT max(month) AS month FROM core.month WHERE is_order_complete
),

role_policy AS (
    -- the length of a period in months, by role, in force on run_date
    SELECT
        CASE key
            WHEN 'sales.visit_coverage.key_account_manager_months' THEN 'key_account_manager'
            WHEN 'sales.visit_coverage.regional_manager_months' THEN 'regional_manager'
            WHEN 'sales.visit_coverage.executive_months' THEN 'executive'
        END AS visitor_role,
        CAST(value AS BIGINT) AS period_months
    FROM core.policy
    WHERE key LIKE 'sales.visit_coverage.%'
        AND in_force(valid_from, valid_to, $run_date)
),

key_role AS (
    SELECT
        account.account_id,
        account.customer_id,
        customer.group_id,
        role_policy.visitor_role,
        role_policy.period_months,
        -- twelve months hold so many periods, the last of which may be shorter
        CAST(ceil(CAST(12 AS DOUBLE) / role_policy.period_months) AS BIGINT) AS required_count
    FROM core.account AS account
    JOIN core.customer AS customer ON customer.customer_id = account.customer_id
    JOIN customer.key_account AS key_account ON key_account.group_id = customer.group_id
    CROSS JOIN role_policy -- allow join-without-equality: three roles
    WHERE key_account.is_key
),

dated_visit AS (
    SELECT
        visit.account_id,
        visit.visitor_role,
        visit.visited_date,
        visit.report_filed_date,
        -- 11 in the latest complete month, 0 in the first of the twelve
        CAST(
            11 - 12 * (date_part('year', t12m_end.month) - date_part('year', visit.month))
            - date_part('month', t12m_end.month) + date_part('month', visit.month) AS BIGINT
        ) AS month_number
    FROM core.visit AS visit
    CROSS JOIN t12m_end
),

role_visit AS (
    SELECT
        visit.account_id,
        visit.visitor_role,
        max(visit.visited_date) AS last_visit_date,
        count(*) FILTER (WHERE visit.month_number BETWEEN 0 AND 11) AS visit_count,
        count(CASE WHEN visit.month_number BETWEEN 0 AND 11 THEN visit.report_filed_date END) AS report_count,
        -- allow integer-division: the number of the period, from 0
        count(DISTINCT CASE WHEN visit.month_number BETWEEN 0 AND 11 THEN visit.month_number / role_policy.period_months END) AS met_count,
        -- allow integer-division: the number of the period, from 0
        max(CASE WHEN visit.month_number BETWEEN 0 AND 11 THEN visit.month_number / role_policy.period_months END) AS last_met_period
    FROM dated_visit AS visit
    JOIN role_policy ON role_policy.visitor_role = visit.visitor_role
    GROUP BY visit.account_id, visit.visitor_role
)

SELECT
    key_role.account_id,
    key_role.visitor_role,
    key_role.required_count,
    coalesce(visit.met_count, 0) AS met_count,
    CAST(coalesce(visit.met_count, 0) AS DOUBLE) / key_role.required_count AS coverage_rate,
    $run_date - visit.last_visit_date AS days_since_visit,
    CAST(visit.report_count AS DOUBLE) / nullif(visit.visit_count, 0) AS report_rate,
    coalesce(visit.visit_count, 0) AS visit_count,
    visit.last_visit_date,
    coalesce(visit.last_met_period < key_role.required_count - 1, true) AS is_overdue,
    key_role.customer_id,
    key_role.group_id
FROM key_role
LEFT JOIN role_visit AS visit
    ON visit.account_id = key_role.account_id
    AND visit.visitor_role = key_role.visitor_role
