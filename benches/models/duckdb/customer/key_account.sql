-- domain.md, section 6: what makes a group of customers a key account, who looks after it, and whom we have met.
WITH policy AS (
    SELECT
        max(value) FILTER (WHERE key = 'customer.key_account.national_provinces_from') AS provinces_from,
        max(value) FILTER (WHERE key = 'customer.key_account.long_term_years_from')::INT AS years_from
    FROM core.policy
    WHERE valid_from <= getvariable('run_date') AND (valid_to IS NULL OR valid_to > getvariable('run_date'))
),
member AS (
    SELECT
        customer.group_id,
        count(*) AS customer_count,
        bool_or(grade.revenue_grade = 'A') AS is_key,
        min(customer.first_order_date) AS since_date,
        sum(grade.revenue)::DECIMAL(18, 2) AS t12m_revenue
    FROM core.customer AS customer
    LEFT JOIN customer.revenue_grade AS grade ON grade.customer_id = customer.customer_id
    GROUP BY customer.group_id
),
bought AS (
    SELECT customer.group_id, count(DISTINCT line.province) AS province_count
    FROM core.sales AS line
    JOIN core.customer AS customer ON customer.customer_id = line.customer_id
    WHERE NOT line.is_return AND line.province <> 'unknown'
    GROUP BY customer.group_id
),
agreed AS (
    SELECT customer.group_id, min(account.agreement_date) AS agreement_date
    FROM core.account AS account
    JOIN core.customer AS customer ON customer.customer_id = account.customer_id
    WHERE account.agreement_date <= getvariable('run_date')
    GROUP BY customer.group_id
),
assigned AS (
    SELECT customer.group_id, held.role, held.manager, held.valid_from
    FROM core.assignment AS held
    JOIN core.customer AS customer ON customer.customer_id = held.customer_id
    WHERE held.valid_from <= getvariable('run_date') AND (held.valid_to IS NULL OR held.valid_to > getvariable('run_date'))
),
team AS (
    SELECT
        group_id,
        count(DISTINCT role) FILTER (WHERE role IN ('manager', 'executive', 'tech', 'market', 'maintenance')) AS role_count,
        first(manager ORDER BY valid_from DESC, manager) FILTER (WHERE role = 'manager') AS manager
    FROM assigned
    GROUP BY group_id
),
decider AS (
    SELECT customer.group_id, count(*) AS decider_count, count(*) FILTER (WHERE person.contact_id IN (SELECT contact_id FROM staged.crm_visit)) AS met_count
    FROM staged.crm_contact AS person
    JOIN core.account AS account ON account.account_id = person.account_id
    JOIN core.customer AS customer ON customer.customer_id = account.customer_id
    WHERE person.buying_role = 'decider'
    GROUP BY customer.group_id
)
SELECT
    member.group_id,
    coalesce(member.is_key, false) AS is_key,
    coalesce(bought.province_count, 0) >= policy.provinces_from AS is_national,
    coalesce(member.since_date + to_years(policy.years_from) <= getvariable('run_date'), false) OR agreed.agreement_date IS NOT NULL AS is_long_term,
    member.since_date,
    team.manager,
    coalesce(team.role_count, 0) = 5 AS team_complete,
    decider.met_count::DOUBLE / decider.decider_count AS decision_makers_met_share,
    member.customer_count,
    coalesce(bought.province_count, 0) AS province_count,
    agreed.agreement_date,
    coalesce(team.role_count, 0) AS role_count,
    coalesce(decider.decider_count, 0) AS decision_maker_count,
    member.t12m_revenue
FROM member
CROSS JOIN policy
LEFT JOIN bought ON bought.group_id = member.group_id
LEFT JOIN agreed ON agreed.group_id = member.group_id
LEFT JOIN team ON team.group_id = member.group_id
LEFT JOIN decider ON decider.group_id = member.group_id
