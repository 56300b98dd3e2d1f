/* ---
description: >
  What somebody should look at, one row for each customer and reason that holds on run_date; limits are policy.
  overdue_order: at risk or lost by customer.churn, since the day on which it came to be at risk.
  revenue_down: the revenue of the trailing twelve months has come down against the twelve before, all of which must be
  complete in orders and must not add up to 0, since the end of the first month of the unbroken run in which it had (a
  month of which the twelve before brought nothing breaks it, as there is no growth).
  complaints_up: more complaints in the window that ends with run_date than in the one before it, and at least as many as
  policy says, since the day of the complaint that made them so many.
  priority_a_late: a complaint of priority A is not closed though its limit is over: the limit of the arrival on site
  where complaint.sla has one, else that of the first response; since the local day of the limit, of the first of several.
  satisfaction_down: the mean overall score that it gave own brands in its last survey lies below that in the survey
  before, since its last answer.
  visit_overdue: one of its accounts in a key group lacks the visit of a role in the last period (sales.visit_coverage),
  nor has the role come since; since the last day of the first period without one after the last visit.
  credit_down: the last change of its credit grade (core.customer_history) was for the worse, since that day; it holds
  until the grade changes again. detail says in a few words what was found. revenue_down, satisfaction_down and credit_down
  come from customer.standing_alert.
owner: customer-management
key: [customer_id, reason]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  reason: { type: string, title: { zh: 预警原因, en: Reason }, description: "overdue_order, revenue_down, complaints_up, priority_a_late, satisfaction_down, visit_overdue or credit_down." }
  since_date: { type: date, title: { zh: 起始日期, en: Since }, description: First day on which it held. }
  detail: { type: string, title: { zh: 详情, en: Detail }, description: What was found. }
checks:
  - not_null: [customer_id, reason, since_date, detail]
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
  - accepted_values: { column: reason, values: [overdue_order, revenue_down, complaints_up, priority_a_late, satisfaction_down, visit_overdue, credit_down] }
  - expr: (SELECT count(*) FROM customer.alert WHERE reason = 'overdue_order') = (SELECT count(*) FROM customer.churn WHERE state IN ('at_risk', 'lost'))
    name: everyone_at_risk_or_lost_is_alerted
--- */
WITH policy AS (
    -- the table has no period: the policy in force on run_date
    SELECT
        max(CASE WHEN key = 'customer.alert.complaints_up_minimum' THEN value END) AS complaints_minimum,
        max(CASE WHEN key = 'customer.alert.complaints_window_days' THEN value END) AS complaints_window_days,
        max(CASE WHEN key = 'complaint.sla.domestic_response_hours' THEN value END) AS response_hours,
        max(CASE WHEN key = 'complaint.sla.overseas_response_working_days' THEN CAST(value AS BIGINT) END) AS response_working_days,
        max(CASE WHEN key = 'complaint.sla.on_site_hours' THEN value END) AS on_site_hours,
        max(CASE WHEN key = 'sales.visit_coverage.key_account_manager_months' THEN CAST(value AS BIGINT) END) AS key_account_manager_months,
        max(CASE WHEN key = 'sales.visit_coverage.regional_manager_months' THEN CAST(value AS BIGINT) END) AS regional_manager_months,
        max(CASE WHEN key = 'sales.visit_coverage.executive_months' THEN CAST(value AS BIGINT) END) AS executive_months
    FROM core.policy
    WHERE (key LIKE 'customer.alert.%' OR key LIKE 'complaint.sla.%' OR key LIKE 'sales.visit_coverage.%')
        AND in_force(valid_from, valid_to, $run_date)
),

overdue_order AS (
    SELECT
        customer_id,
        'overdue_order' AS reason,
        at_risk_date AS since_date,
        concat(state, ': ', recency_days, ' days since the last order, ', round(expected_interval_days, 1), ' expected') AS detail
    FROM customer.churn
    WHERE state IN ('at_risk', 'lost')
),

t12m_end AS (
    -- domain.md, section 1, "Periods": the latest complete month, by order lines
    SELECT max(month) AS month FROM core.month WHERE is_order_complete
),

recent_complaint AS (
    SELECT
        complaint.customer_id,
        complaint.complaint_id,
        complaint.received_date,
        $run_date - complaint.received_date < policy.complaints_window_days AS is_in_window
    FROM core.complaint AS complaint
    CROSS JOIN policy
    WHERE complaint.customer_id <> 'unknown' AND $run_date - complaint.received_date < 2 * policy.complaints_window_days
),

counted_complaint AS (
    SELECT
        customer_id,
        received_date,
        is_in_window,
        row_number() OVER (PARTITION BY customer_id, is_in_window ORDER BY received_date, complaint_id) AS complaint_number,
        count(CASE WHEN is_in_window THEN complaint_id END) OVER (PARTITION BY customer_id) AS complaint_count,
        count(CASE WHEN NOT is_in_window THEN complaint_id END) OVER (PARTITION BY customer_id) AS prior_count
    FROM recent_complaint
),

complaints_up AS (
    -- the complaint by which there were more than before, and enough
    SELECT
        complaint.customer_id,
        'complaints_up' AS reason,
        complaint.received_date AS since_date,
        concat(complaint.complaint_count, ' complaints in ', CAST(policy.complaints_window_days AS BIGINT), ' days, ', complaint.prior_count, ' in those before') AS detail
    FROM counted_complaint AS complaint
    CROSS JOIN policy
    WHERE complaint.is_in_window
        AND complaint.complaint_number = greatest(complaint.prior_count + 1, CAST(ceil(policy.complaints_minimum) AS BIGINT))
),

home_calendar AS (
    SELECT working_calendar(day, is_working_day) AS days
    FROM core.calendar
    WHERE country IN (SELECT country FROM core.region WHERE is_domestic)
),

run_end AS (
    -- "at run_date" is the end of that day in the pipeline's zone
    SELECT utc_time(CAST($run_date + INTERVAL '1 day' AS TIMESTAMP(6)), $timezone) AS ends_at
),

open_complaint AS (
    SELECT
        complaint.customer_id,
        complaint.complaint_id,
        CASE
            -- A is the first priority: if any must be met on site in time, it must
            WHEN complaint.is_domestic AND complaint.resolution_mode = 'onsite'
                THEN hours_later(complaint.received_at, policy.on_site_hours)
            WHEN complaint.is_domestic
                THEN hours_later(complaint.received_at, policy.response_hours)
            WHEN NOT complaint.is_domestic
                THEN add_working_days(complaint.received_at, policy.response_working_days, home_calendar.days, $timezone)
        END AS due_at
    FROM core.complaint AS complaint
    CROSS JOIN policy
    CROSS JOIN home_calendar -- allow join-without-equality: one row, the calendar of the country
    WHERE complaint.customer_id <> 'unknown' AND complaint.priority = 'A' AND complaint.closed_at IS NULL
),

priority_a_late AS (
    SELECT
        complaint.customer_id,
        'priority_a_late' AS reason,
        min(local_date(complaint.due_at, $timezone)) AS since_date,
        concat(count(*), ' open past the limit: ', string_agg(complaint.complaint_id, ', ' ORDER BY complaint.complaint_id)) AS detail
    FROM open_complaint AS complaint
    CROSS JOIN run_end
    WHERE complaint.due_at < run_end.ends_at
    GROUP BY complaint.customer_id
),

missed_role AS (
    -- the trailing twelve months begin eleven before the latest complete one; -1 is no period of theirs
    SELECT
        coverage.customer_id,
        coverage.visitor_role,
        later_month(t12m_end.month, -11) AS first_month,
        CASE coverage.visitor_role
            WHEN 'key_account_manager' THEN policy.key_account_manager_months
            WHEN 'regional_manager' THEN policy.regional_manager_months
            WHEN 'executive' THEN policy.executive_months
        END AS period_months,
        -- NULL where the last visit lies before them
        whole_months(later_month(t12m_end.month, -11), later_month(coverage.last_visit_date, 0)) AS visited_month_number
    FROM sales.visit_coverage AS coverage
    CROSS JOIN t12m_end
    CROSS JOIN policy
    WHERE coverage.is_overdue AND (coverage.last_visit_date IS NULL OR coverage.last_visit_date < later_month(t12m_end.month, 1))
),

missed_period AS (
    SELECT
        customer_id,
        visitor_role,
        later_month(
            first_month,
            least((CAST(coalesce(floor(CAST(visited_month_number AS DOUBLE) / period_months), -1) AS BIGINT) + 2) * period_months, 12)
        ) - 1 AS since_date
    FROM missed_role
),

visit_overdue AS (
    SELECT
        customer_id,
        'visit_overdue' AS reason,
        min(since_date) AS since_date,
        concat(
            'no visit by ',
            concat_ws(
                ', ',
                max(CASE WHEN visitor_role = 'executive' THEN visitor_role END),
                max(CASE WHEN visitor_role = 'key_account_manager' THEN visitor_role END),
                max(CASE WHEN visitor_role = 'regional_manager' THEN visitor_role END)
            )
        ) AS detail
    FROM missed_period
    GROUP BY customer_id
)

SELECT customer_id, reason, since_date, detail FROM overdue_order
UNION ALL
SELECT customer_id, reason, since_date, detail FROM complaints_up
UNION ALL
SELECT customer_id, reason, since_date, detail FROM priority_a_late
UNION ALL
SELECT customer_id, reason, since_date, detail FROM visit_overdue
UNION ALL
SELECT customer_id, reason, since_date, detail FROM customer.standing_alert
