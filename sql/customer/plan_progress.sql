/* ---
description: >
  How far the actions and reviews of an account's yearly plan are: a row for each account and year with a plan, an action
  or a review. Due are the actions whose day has come by run_date, done those that are done by then (also before their
  day), overdue those whose day has passed and that are not done; an action due on run_date itself is not overdue. Held
  are the reviews that are done. Reviews required are those of the whole year, by the grade that the account's customer
  has today and the policy of the year's last day; an account that names no customer counts as not grade A.
owner: customer-management
key: [account_id, year]
columns:
  account_id: { type: string, title: { zh: 客户号, en: Account }, description: Account as delivered. }
  year: { type: int, title: { zh: 年度, en: Year }, description: Year of the plan. }
  actions_due_count: { type: bigint, unit: actions, title: { zh: 到期行动数, en: Actions due }, description: Actions whose day has come. }
  actions_done_count: { type: bigint, unit: actions, title: { zh: 已完成行动数, en: Actions done }, description: Actions done. }
  actions_overdue_count: { type: bigint, unit: actions, title: { zh: 逾期行动数, en: Actions overdue }, description: Actions whose day has passed undone. }
  reviews_required_count: { type: bigint, unit: reviews, title: { zh: 应评审次数, en: Reviews required }, description: Reviews of the whole year. }
  reviews_held_count: { type: bigint, unit: reviews, title: { zh: 已评审次数, en: Reviews held }, description: Reviews held. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: "Customer of the account, `unknown` where none is known." }
  actions_planned_count: { type: bigint, unit: actions, title: { zh: 计划行动数, en: Actions planned }, description: All actions of the year. }
  oldest_overdue_date: { type: date, title: { zh: 最早逾期日期, en: Oldest overdue }, description: Day of the action that is overdue for longest. }
checks:
  - not_null: [account_id, year, actions_due_count, actions_done_count, actions_overdue_count, reviews_required_count, reviews_held_count, customer_id, actions_planned_count]
  - expr: actions_overdue_count <= actions_due_count and actions_due_count <= actions_planned_count
  - expr: actions_done_count + actions_overdue_count <= actions_planned_count
  - expr: (oldest_overdue_date is null) = (actions_overdue_count = 0)
  - expr: (SELECT coalesce(sum(actions_planned_count), 0) FROM customer.plan_progress) = (SELECT count(*) FROM core.plan_action WHERE kind = 'action')
    name: no_action_is_lost
--- */
WITH planned_year AS (
    SELECT account_id, year, customer_id FROM core.account_plan
    UNION
    SELECT account_id, year, customer_id FROM core.plan_action
),

action_year AS (
    SELECT
        account_id,
        year,
        count(*) FILTER (WHERE kind = 'action') AS actions_planned_count,
        count(*) FILTER (WHERE kind = 'action' AND due_date <= $run_date) AS actions_due_count,
        count(CASE WHEN kind = 'action' THEN done_date END) AS actions_done_count,
        count(*) FILTER (WHERE kind = 'action' AND due_date < $run_date AND done_date IS NULL) AS actions_overdue_count,
        min(CASE WHEN kind = 'action' AND due_date < $run_date AND done_date IS NULL THEN due_date END) AS oldest_overdue_date,
        count(CASE WHEN kind = 'review' THEN done_date END) AS reviews_held_count
    FROM core.plan_action
    GROUP BY account_id, year
),

year_policy AS (
    -- the policy in force on 31 December
    SELECT
        planned.year,
        max(CASE WHEN policy.key = 'customer.plan_progress.reviews_grade_a' THEN policy.value END) AS reviews_grade_a,
        max(CASE WHEN policy.key = 'customer.plan_progress.reviews_other' THEN policy.value END) AS reviews_other
    FROM (SELECT DISTINCT year FROM planned_year) AS planned
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over two policies
        ON in_force(policy.valid_from, policy.valid_to, make_date(planned.year, 12, 31))
    WHERE policy.key LIKE 'customer.plan_progress.%'
    GROUP BY planned.year
)

SELECT
    planned.account_id,
    planned.year,
    coalesce(action.actions_due_count, 0) AS actions_due_count,
    coalesce(action.actions_done_count, 0) AS actions_done_count,
    coalesce(action.actions_overdue_count, 0) AS actions_overdue_count,
    CAST(CASE WHEN grade.revenue_grade = 'A' THEN year_policy.reviews_grade_a ELSE year_policy.reviews_other END AS BIGINT)
        AS reviews_required_count,
    coalesce(action.reviews_held_count, 0) AS reviews_held_count,
    planned.customer_id,
    coalesce(action.actions_planned_count, 0) AS actions_planned_count,
    action.oldest_overdue_date
FROM planned_year AS planned
LEFT JOIN action_year AS action ON action.account_id = planned.account_id AND action.year = planned.year
LEFT JOIN year_policy ON year_policy.year = planned.year
LEFT JOIN customer.revenue_grade AS grade ON grade.customer_id = planned.customer_id
