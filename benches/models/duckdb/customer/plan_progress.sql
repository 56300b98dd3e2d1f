-- domain.md, section 6: actions due, done and overdue, reviews required and held, of the accounts with a plan.
WITH planned AS (
    SELECT account_id, year, customer_id FROM core.account_plan
    UNION
    SELECT account_id, year, customer_id FROM core.plan_action
),
acted AS (
    SELECT
        account_id,
        year,
        count(*) FILTER (WHERE kind = 'action') AS planned_count,
        count(*) FILTER (WHERE kind = 'action' AND due_date <= getvariable('run_date')) AS due_count,
        count(*) FILTER (WHERE kind = 'action' AND done_date IS NOT NULL) AS done_count,
        count(*) FILTER (WHERE kind = 'action' AND due_date < getvariable('run_date') AND done_date IS NULL) AS overdue_count,
        min(due_date) FILTER (WHERE kind = 'action' AND due_date < getvariable('run_date') AND done_date IS NULL) AS oldest_overdue_date,
        count(*) FILTER (WHERE kind = 'review' AND done_date IS NOT NULL) AS held_count
    FROM core.plan_action
    GROUP BY account_id, year
),
required AS (
    SELECT
        year.year,
        max(policy.value) FILTER (WHERE policy.key = 'customer.plan_progress.reviews_grade_a')::BIGINT AS grade_a,
        max(policy.value) FILTER (WHERE policy.key = 'customer.plan_progress.reviews_other')::BIGINT AS other
    FROM (SELECT DISTINCT year, make_date(year, 12, 31) AS last_date FROM planned) AS year
    JOIN core.policy AS policy ON year.last_date >= policy.valid_from AND (policy.valid_to IS NULL OR year.last_date < policy.valid_to)
    GROUP BY year.year
)
SELECT
    planned.account_id,
    planned.year,
    coalesce(acted.due_count, 0) AS actions_due_count,
    coalesce(acted.done_count, 0) AS actions_done_count,
    coalesce(acted.overdue_count, 0) AS actions_overdue_count,
    CASE WHEN grade.revenue_grade = 'A' THEN required.grade_a ELSE required.other END AS reviews_required_count,
    coalesce(acted.held_count, 0) AS reviews_held_count,
    planned.customer_id,
    coalesce(acted.planned_count, 0) AS actions_planned_count,
    acted.oldest_overdue_date
FROM planned
LEFT JOIN acted ON acted.account_id = planned.account_id AND acted.year = planned.year
LEFT JOIN customer.revenue_grade AS grade ON grade.customer_id = planned.customer_id
LEFT JOIN required ON required.year = planned.year
