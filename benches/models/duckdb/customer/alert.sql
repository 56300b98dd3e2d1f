-- domain.md, section 6: what somebody should look at, one row for each customer and reason.
WITH policy AS (
    SELECT
        max(value) FILTER (WHERE key = 'customer.alert.revenue_down_rate') AS revenue_down_rate,
        max(value) FILTER (WHERE key = 'customer.alert.complaints_up_minimum')::INT AS complaints_from,
        max(value) FILTER (WHERE key = 'customer.alert.complaints_window_days')::INT AS window_days,
        max(value) FILTER (WHERE key = 'customer.alert.satisfaction_down_points') AS satisfaction_points,
        max(value) FILTER (WHERE key = 'complaint.sla.domestic_response_hours') AS response_hours,
        max(value) FILTER (WHERE key = 'complaint.sla.overseas_response_working_days')::INT AS response_days,
        max(value) FILTER (WHERE key = 'complaint.sla.on_site_hours') AS on_site_hours,
        max(value) FILTER (WHERE key = 'complaint.sla.on_site_priority')::INT AS on_site_priority,
        max(value) FILTER (WHERE key = 'sales.visit_coverage.key_account_manager_months')::INT AS manager_months,
        max(value) FILTER (WHERE key = 'sales.visit_coverage.regional_manager_months')::INT AS regional_months,
        max(value) FILTER (WHERE key = 'sales.visit_coverage.executive_months')::INT AS executive_months
    FROM core.policy
    WHERE valid_from <= getvariable('run_date') AND (valid_to IS NULL OR valid_to > getvariable('run_date'))
),
latest AS (
    SELECT max(month) AS month, max(last_date) AS last_date FROM core.month WHERE is_order_complete
),
compared_month AS (
    -- the twelve months before must all be complete
    SELECT month.month, month.last_date, (month.month - INTERVAL 12 MONTH)::DATE AS prior_month
    FROM core.month AS month
    JOIN core.month AS before ON before.month BETWEEN month.month - INTERVAL 23 MONTH AND month.month - INTERVAL 12 MONTH AND before.is_order_complete
    WHERE month.is_order_complete
    GROUP BY month.month, month.last_date
    HAVING count(*) = 12
),
fall AS (
    SELECT
        prior.customer_id,
        month.month,
        month.last_date,
        coalesce(now.t12m_revenue, 0) AS t12m_revenue,
        prior.t12m_revenue AS prior_revenue,
        round(coalesce(now.t12m_revenue, 0)::DOUBLE / prior.t12m_revenue::DOUBLE - 1, 12) <= policy.revenue_down_rate AS is_down
    FROM compared_month AS month
    CROSS JOIN policy
    JOIN customer.monthly_grade AS prior ON prior.month = month.prior_month AND prior.t12m_revenue <> 0
    LEFT JOIN customer.monthly_grade AS now ON now.month = month.month AND now.customer_id = prior.customer_id
),
revenue_down AS (
    SELECT
        down.customer_id,
        min(down.last_date) AS since_date,
        arg_max(down.t12m_revenue, down.month) || ' in twelve months after ' || arg_max(down.prior_revenue, down.month) AS detail
    FROM fall AS down
    WHERE down.is_down
        AND (
            SELECT count(*) FILTER (WHERE later.is_down)
            FROM fall AS later
            WHERE later.customer_id = down.customer_id AND later.month >= down.month
        ) = date_diff('month', down.month, (SELECT month FROM latest)) + 1
    GROUP BY down.customer_id
),
recent AS (
    SELECT
        complaint.customer_id,
        complaint.received_date,
        complaint.received_date > getvariable('run_date') - policy.window_days AS is_now,
        row_number() OVER (
            PARTITION BY complaint.customer_id, complaint.received_date > getvariable('run_date') - policy.window_days
            ORDER BY complaint.received_at, complaint.complaint_id
        ) AS number,
        count(*) FILTER (WHERE complaint.received_date <= getvariable('run_date') - policy.window_days) OVER (PARTITION BY complaint.customer_id)
            AS before_count,
        count(*) FILTER (WHERE complaint.received_date > getvariable('run_date') - policy.window_days) OVER (PARTITION BY complaint.customer_id)
            AS now_count
    FROM core.complaint AS complaint
    CROSS JOIN policy
    WHERE complaint.customer_id <> 'unknown' AND complaint.received_date > getvariable('run_date') - 2 * policy.window_days
),
complaints_up AS (
    SELECT
        recent.customer_id,
        recent.received_date AS since_date,
        format('{} complaints in {} days, {} in those before', recent.now_count, policy.window_days, recent.before_count) AS detail
    FROM recent
    CROSS JOIN policy
    WHERE recent.is_now AND recent.number = greatest(recent.before_count + 1, policy.complaints_from)
),
home AS (
    SELECT country FROM core.region WHERE is_domestic GROUP BY country ORDER BY count(*) DESC LIMIT 1
),
working_day AS (
    SELECT day, is_working_day, working_day_number FROM core.calendar WHERE country = (SELECT country FROM home)
),
open_a AS (
    SELECT
        complaint.complaint_id,
        complaint.customer_id,
        complaint.is_domestic,
        complaint.resolution_mode,
        policy.on_site_hours,
        policy.response_hours,
        policy.response_days,
        policy.on_site_priority,
        timezone(getvariable('timezone'), complaint.received_at) AS received_local
    FROM core.complaint AS complaint
    CROSS JOIN policy
    WHERE complaint.priority = 'A' AND complaint.closed_at IS NULL AND complaint.customer_id <> 'unknown'
),
limited AS (
    SELECT
        open_a.customer_id,
        open_a.complaint_id,
        CASE
            WHEN open_a.is_domestic AND open_a.resolution_mode = 'onsite' AND open_a.on_site_priority >= 1
                THEN open_a.received_local + to_seconds(open_a.on_site_hours * 3600)
            WHEN open_a.is_domestic THEN open_a.received_local + to_seconds(open_a.response_hours * 3600)
            WHEN NOT open_a.is_domestic THEN target.day + CASE WHEN received.is_working_day THEN open_a.received_local::TIME ELSE TIME '00:00:00' END
        END AS due_local
    FROM open_a
    LEFT JOIN working_day AS received ON received.day = open_a.received_local::DATE
    -- a receipt on a day off counts from 00:00 of the next working day
    LEFT JOIN working_day AS target ON target.is_working_day
        AND target.working_day_number = received.working_day_number + open_a.response_days + CASE WHEN received.is_working_day THEN 0 ELSE 1 END
),
priority_a_late AS (
    SELECT
        customer_id,
        min(due_local)::DATE AS since_date,
        format('{} open past the limit: {}', count(*), string_agg(complaint_id, ', ' ORDER BY complaint_id)) AS detail
    FROM limited
    WHERE due_local < (getvariable('run_date') + 1)::TIMESTAMP
    GROUP BY customer_id
),
satisfaction_down AS (
    SELECT
        last.customer_id,
        last.answered_date AS since_date,
        concat(round(last.overall_score, 1), ' in ', last.survey_id, ' after ', round(before.overall_score, 1), ' in ', before.survey_id) AS detail
    FROM customer.survey_score AS last
    JOIN customer.survey_score AS before ON before.customer_id = last.customer_id AND before.survey_rank = 2
    CROSS JOIN policy
    WHERE last.survey_rank = 1 AND round(before.overall_score - last.overall_score, 12) >= policy.satisfaction_points
),
missed AS (
    SELECT
        coverage.customer_id,
        coverage.visitor_role,
        coverage.last_visit_date,
        latest.last_date,
        (latest.month - INTERVAL 11 MONTH)::DATE AS first_month,
        CASE coverage.visitor_role
            WHEN 'key_account_manager' THEN policy.manager_months
            WHEN 'regional_manager' THEN policy.regional_months
            ELSE policy.executive_months
        END AS months
    FROM sales.visit_coverage AS coverage
    CROSS JOIN latest
    CROSS JOIN policy
    WHERE coverage.is_overdue AND coverage.customer_id <> 'unknown'
        AND (coverage.last_visit_date IS NULL OR coverage.last_visit_date <= latest.last_date)
),
visit_overdue AS (
    -- periods are counted from the first month on; a visit before them leaves the first one unmet
    SELECT
        customer_id,
        min(
            last_day((
                first_month
                + to_months((
                    CASE WHEN last_visit_date >= first_month THEN date_diff('month', first_month, last_visit_date) // months + 2 ELSE 1 END
                    * months
                )::INT)
                - INTERVAL 1 MONTH
            )::DATE)
        ) AS since_date,
        'no visit by ' || string_agg(DISTINCT visitor_role, ', ' ORDER BY visitor_role) AS detail
    FROM missed
    GROUP BY customer_id
),
credit AS (
    SELECT
        customer_id,
        valid_from,
        credit_grade,
        lag(credit_grade) OVER (PARTITION BY customer_id ORDER BY valid_from) AS prior_grade
    FROM core.customer_history
),
credit_changed AS (
    SELECT *, row_number() OVER (PARTITION BY customer_id ORDER BY valid_from DESC) AS place
    FROM credit
    WHERE prior_grade IS NOT NULL AND credit_grade <> prior_grade
)
SELECT customer_id, 'overdue_order' AS reason, at_risk_date AS since_date,
    concat(state, ': ', recency_days, ' days since the last order, ', round(expected_interval_days, 1), ' expected') AS detail
FROM customer.churn WHERE state IN ('at_risk', 'lost')
UNION ALL
SELECT customer_id, 'revenue_down', since_date, detail FROM revenue_down
UNION ALL
SELECT customer_id, 'complaints_up', since_date, detail FROM complaints_up
UNION ALL
SELECT customer_id, 'priority_a_late', since_date, detail FROM priority_a_late
UNION ALL
SELECT customer_id, 'satisfaction_down', since_date, detail FROM satisfaction_down
UNION ALL
SELECT customer_id, 'visit_overdue', since_date, detail FROM visit_overdue
UNION ALL
SELECT customer_id, 'credit_down', valid_from, format('{} after {}', credit_grade, prior_grade) FROM credit_changed WHERE place = 1 AND credit_grade > prior_grade
