/* ---
description: >
  Groups of customers (a customer without a parent is a group by itself) and what makes them key accounts. is_key: one
  of its customers has revenue grade A. is_national: order lines that are no returns went to at least as many known
  provinces as policy says, since the first one; a country overseas counts as one. is_long_term: it has ordered for as
  many years as policy says, or one of its accounts has an agreement that has begun. since_date is the first order of
  the group. The manager is the one who has the role today for an account of the group: of several, the one assigned
  later, then the first by name. team_complete: each of the five roles is held today for some account of the group.
  Decision makers are the contacts with the buying role of a decider; met are those whom a visit has ever named.
owner: customer-management
key: [group_id]
columns:
  group_id: { type: string, title: { zh: 集团编号, en: Group }, description: Customer at the top of the group. }
  is_key: { type: boolean, title: { zh: 是否大客户, en: Is key }, description: A customer of the group has grade A. }
  is_national: { type: boolean, title: { zh: 是否全国性, en: Is national }, description: Buys in many provinces. }
  is_long_term: { type: boolean, title: { zh: 是否长期, en: Is long-term }, description: "Customer for years, or under an agreement." }
  since_date: { type: date, title: { zh: 起始日期, en: Since }, description: Day of the first order; NULL without one. }
  manager: { type: string, title: { zh: 客户经理, en: Manager }, description: Manager today; NULL where none is assigned. }
  team_complete: { type: boolean, title: { zh: 团队是否齐全, en: Team complete }, description: All five roles are held. }
  decision_makers_met_share: { type: double, unit: share, title: { zh: 决策人拜访比例, en: Decision makers met }, description: Of the known decision makers; NULL where none is known. }
  customer_count: { type: bigint, unit: customers, title: { zh: 客户数, en: Customers }, description: Customers of the group. }
  province_count: { type: bigint, unit: provinces, title: { zh: 省份数, en: Provinces }, description: Known provinces that it ordered to. }
  agreement_date: { type: date, title: { zh: 协议起始日, en: Agreement from }, description: First agreement that has begun. }
  role_count: { type: bigint, unit: roles, title: { zh: 已分配角色数, en: Roles held }, description: Of the five roles. }
  decision_maker_count: { type: bigint, unit: people, title: { zh: 决策人数, en: Decision makers }, description: Known decision makers. }
  t12m_revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 滚动12月收入, en: T12m revenue }, description: Revenue of its customers in the trailing twelve months. }
checks:
  - not_null: [group_id, is_key, is_national, is_long_term, team_complete, customer_count, province_count, role_count, decision_maker_count, t12m_revenue]
  - relationships: { column: group_id, to: core.customer, field: customer_id }
  - expr: decision_makers_met_share between 0 and 1
  - expr: (decision_makers_met_share is null) = (decision_maker_count = 0)
  - expr: role_count between 0 and 5 and team_complete = (role_count = 5)
  - expr: (SELECT sum(customer_count) FROM customer.key_account) = (SELECT count(*) FROM core.customer)
    name: every_customer_is_in_one_group
  - expr: (SELECT sum(t12m_revenue) FROM customer.key_account) = (SELECT sum(revenue) FROM customer.revenue_grade)
    name: no_revenue_is_lost
--- */
WITH member AS (
    SELECT
        customer.customer_id,
        customer.group_id,
        customer.first_order_date,
        grade.revenue,
        grade.revenue_grade
    FROM core.customer AS customer
    LEFT JOIN customer.revenue_grade AS grade ON grade.customer_id = customer.customer_id
),

customer_group AS (
    SELECT
        group_id,
        count(*) AS customer_count,
        bool_or(revenue_grade = 'A') AS is_key,
        min(first_order_date) AS since_date,
        sum(revenue) AS t12m_revenue
    FROM member
    GROUP BY group_id
),

customer_province AS (
    SELECT
        customer_id,
        province
    FROM core.sales
    WHERE NOT is_return AND province <> 'unknown'
    GROUP BY customer_id, province
),

group_place AS (
    SELECT
        member.group_id,
        count(DISTINCT customer_province.province) AS province_count
    FROM customer_province
    JOIN member ON member.customer_id = customer_province.customer_id
    GROUP BY member.group_id
),

group_agreement AS (
    SELECT
        member.group_id,
        min(account.agreement_date) AS agreement_date
    FROM core.account AS account
    JOIN member ON member.customer_id = account.customer_id
    WHERE account.agreement_date <= $run_date
    GROUP BY member.group_id
),

group_role AS (
    -- assignments that hold on run_date
    SELECT
        member.group_id,
        assignment.role,
        first_value(assignment.manager ORDER BY assignment.valid_from DESC, assignment.manager)
            FILTER (WHERE assignment.role = 'manager') AS manager
    FROM core.assignment AS assignment
    JOIN member ON member.customer_id = assignment.customer_id
    WHERE in_force(assignment.valid_from, assignment.valid_to, $run_date)
    GROUP BY member.group_id, assignment.role
),

group_team AS (
    SELECT
        group_id,
        count(role) AS role_count,
        max(manager) AS manager
    FROM group_role
    GROUP BY group_id
),

group_decision AS (
    SELECT
        member.group_id,
        count(*) AS decision_maker_count,
        count(contact.first_met_date) AS met_count
    FROM core.decision_maker AS contact
    JOIN core.account AS account
        ON account.account_id = contact.account_id
    JOIN member ON member.customer_id = account.customer_id
    GROUP BY member.group_id
),

policy AS (
    -- the table has no period: the policy in force on run_date
    SELECT
        max(CASE WHEN key = 'customer.key_account.national_provinces_from' THEN value END) AS national_provinces,
        max(CASE WHEN key = 'customer.key_account.long_term_years_from' THEN value END) AS long_term_years
    FROM core.policy
    WHERE key LIKE 'customer.key_account.%' AND in_force(valid_from, valid_to, $run_date)
),

judged_group AS (
    -- before all joins: whether another run date judges otherwise is then asked of few rows
    SELECT
        customer_group.*,
        coalesce(whole_months(customer_group.since_date, $run_date) >= policy.long_term_years * 12, false) AS orders_for_years,
        policy.national_provinces
    FROM customer_group
    CROSS JOIN policy
)

SELECT
    customer_group.group_id,
    coalesce(customer_group.is_key, false) AS is_key,
    coalesce(group_place.province_count >= customer_group.national_provinces, false) AS is_national,
    group_agreement.agreement_date IS NOT NULL OR customer_group.orders_for_years AS is_long_term,
    customer_group.since_date,
    group_team.manager,
    -- domain.md, section 2, crm_assignment: the five roles
    coalesce(group_team.role_count = 5, false) AS team_complete,
    CAST(group_decision.met_count AS DOUBLE) / group_decision.decision_maker_count AS decision_makers_met_share,
    customer_group.customer_count,
    coalesce(group_place.province_count, 0) AS province_count,
    group_agreement.agreement_date,
    coalesce(group_team.role_count, 0) AS role_count,
    coalesce(group_decision.decision_maker_count, 0) AS decision_maker_count,
    CAST(coalesce(customer_group.t12m_revenue, 0) AS DECIMAL(18, 2)) AS t12m_revenue
FROM judged_group AS customer_group
LEFT JOIN group_place ON group_place.group_id = customer_group.group_id
LEFT JOIN group_agreement ON group_agreement.group_id = customer_group.group_id
LEFT JOIN group_team ON group_team.group_id = customer_group.group_id
LEFT JOIN group_decision ON group_decision.group_id = customer_group.group_id
