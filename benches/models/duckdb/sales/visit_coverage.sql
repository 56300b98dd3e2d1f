-- domain.md, section 7: periods of the trailing 12 months in which the role visited the key account.
WITH role AS (
    SELECT
        replace(replace(key, 'sales.visit_coverage.', ''), '_months', '') AS visitor_role,
        value::BIGINT AS period_months
    FROM core.policy
    WHERE key LIKE 'sales.visit_coverage.%_months'
        AND valid_from <= getvariable('run_date') AND coalesce(valid_to > getvariable('run_date'), TRUE)
),
latest AS (
    SELECT max(month) AS latest_month FROM core.month WHERE is_order_complete
),
trailing_months AS (
    SELECT
        (latest_month - INTERVAL 11 MONTH)::DATE AS from_month,
        last_day(latest_month) AS to_date
    FROM latest
),
key_account AS (
    SELECT account.account_id, account.customer_id, customer.group_id
    FROM core.account AS account
    JOIN core.customer AS customer ON customer.customer_id = account.customer_id
    JOIN customer.key_account AS key_group ON key_group.group_id = customer.group_id AND key_group.is_key
),
role_visit AS (
    SELECT
        visit.account_id,
        visit.visitor_role,
        visit.visited_date,
        visit.report_filed_date,
        visit.visited_date BETWEEN trailing_months.from_month AND trailing_months.to_date AS is_trailing,
        date_diff('month', trailing_months.from_month, date_trunc('month', visit.visited_date)) // role.period_months AS period_number
    FROM core.visit AS visit
    JOIN role ON role.visitor_role = visit.visitor_role
    CROSS JOIN trailing_months
),
visited AS (
    SELECT
        account_id,
        visitor_role,
        count(DISTINCT period_number) FILTER (is_trailing) AS met_count,
        max(period_number) FILTER (is_trailing) AS last_period_number,
        count(*) FILTER (is_trailing) AS visit_count,
        count(report_filed_date) FILTER (is_trailing) AS report_count,
        max(visited_date) AS last_visit_date
    FROM role_visit
    GROUP BY account_id, visitor_role
),
covered AS (
    SELECT
        account.account_id,
        role.visitor_role,
        -- as many periods as begin in the twelve months
        ceil(12.0 / role.period_months)::BIGINT AS required_count,
        coalesce(visited.met_count, 0) AS met_count,
        visited.last_period_number,
        coalesce(visited.visit_count, 0) AS visit_count,
        visited.report_count,
        visited.last_visit_date,
        account.customer_id,
        account.group_id
    FROM key_account AS account
    CROSS JOIN role
    LEFT JOIN visited ON visited.account_id = account.account_id AND visited.visitor_role = role.visitor_role
)
SELECT
    account_id,
    visitor_role,
    required_count,
    met_count,
    met_count::DOUBLE / nullif(required_count, 0) AS coverage_rate,
    date_diff('day', last_visit_date, getvariable('run_date')) AS days_since_visit,
    report_count::DOUBLE / nullif(visit_count, 0) AS report_rate,
    visit_count,
    last_visit_date,
    coalesce(last_period_number < required_count - 1, TRUE) AS is_overdue,
    customer_id,
    group_id
FROM covered
