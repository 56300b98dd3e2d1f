/* ---
description: >
  What became of corrective actions, by the month in which they were opened, their origin and who is to act. In time:
  verified by the due day, over the actions that are verified or whose due day lies before run_date; one without a due
  day is not judged. Overdue: neither done nor verified, and the due day lies before run_date, as in
  customer.plan_progress. Days run from the opening to the verification, since an action counts only once its effect
  is proved. Recurred: a verified action after which another one about the same defect and party was opened, on one of
  the 90 days (policy of the month) after the day of the verification; unknown defects and parties recur nowhere.
  Months in which a key had none, up to 23 after its last one, have counts 0 and no figures.
owner: quality
key: [month, origin, party_kind, party]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the month of opening. }
  origin: { type: string, title: { zh: 来源, en: Origin }, description: "complaint, survey, intelligence, loss_report, benchmark_gap or unknown." }
  party_kind: { type: string, title: { zh: 责任方类别, en: Kind of party }, description: "department, dealer, supplier or unknown." }
  party: { type: string, title: { zh: 责任方, en: Party }, description: "Who acts, `unknown` where not given." }
  opened_count: { type: bigint, unit: actions, title: { zh: 立项数, en: Opened }, description: Actions opened. }
  verified_in_time_rate: { type: double, unit: share, title: { zh: 按期验证率, en: Verified in time }, description: "Of those verified or past due, verified in time." }
  overdue_count: { type: bigint, unit: actions, title: { zh: 逾期数, en: Overdue }, description: Actions not done and past due. }
  median_days: { type: double, unit: days, title: { zh: 用时中位天数, en: Median days }, description: Opening to verification. }
  recurred_count: { type: bigint, unit: actions, title: { zh: 复发数, en: Recurred }, description: Verified actions after which the defect came again. }
  judged_count: { type: bigint, unit: actions, title: { zh: 考核数, en: Judged }, description: Denominator of verified_in_time_rate. }
  verified_count: { type: bigint, unit: actions, title: { zh: 已验证数, en: Verified }, description: Actions verified. }
checks:
  - not_null: [month, origin, party_kind, party, opened_count, overdue_count, recurred_count, judged_count, verified_count]
  - expr: overdue_count between 0 and opened_count and judged_count between 0 and opened_count
  - expr: recurred_count between 0 and verified_count and verified_count <= opened_count
  - expr: verified_in_time_rate between 0 and 1
  - expr: (verified_in_time_rate is null) = (judged_count = 0) and (median_days is null) = (verified_count = 0)
    name: a_figure_for_every_denominator
  - expr: median_days >= 0
    severity: warn
  - expr: (SELECT coalesce(sum(opened_count), 0) FROM complaint.corrective_action) = (SELECT count(*) FROM core.corrective_action)
    name: every_action_counts_once
--- */
WITH action AS (
    SELECT action_no, month, origin, party_kind, party, defect, opened_date, due_date, done_date, verified_date
    FROM core.corrective_action
),

month_policy AS (
    -- the policy in force on the last day of the month of opening
    SELECT action_month.month, CAST(policy.value AS BIGINT) AS recurrence_days
    FROM (SELECT DISTINCT month FROM action) AS action_month
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over one policy
        ON in_force(policy.valid_from, policy.valid_to, action_month.month + INTERVAL '1 month' - INTERVAL '1 day')
    WHERE policy.key = 'complaint.corrective_action.recurrence_days'
),

known_action AS (
    -- unknown defects and parties recur nowhere
    SELECT action_no, month, defect, party_kind, party, opened_date, verified_date
    FROM action
    WHERE defect <> 'unknown' AND party <> 'unknown'
),

opened_or_verified AS (
    SELECT defect, party_kind, party, opened_date AS day, TRUE AS is_opening, CAST(NULL AS VARCHAR) AS action_no, month
    FROM known_action
    UNION ALL
    SELECT defect, party_kind, party, verified_date, FALSE, action_no, month
    FROM known_action
    WHERE verified_date IS NOT NULL
),

followed_day AS (
    -- from the last day back: what was opened on the day itself stands behind what was verified on it, and does not follow it
    SELECT
        action_no,
        month,
        day,
        min(CASE WHEN is_opening THEN day END) OVER (
            PARTITION BY defect, party_kind, party
            ORDER BY day DESC, is_opening
            ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS next_opened_date
    FROM opened_or_verified
),

recurred_action AS (
    SELECT verified.action_no
    FROM followed_day AS verified
    JOIN month_policy ON month_policy.month = verified.month
    WHERE verified.action_no IS NOT NULL AND verified.next_opened_date - verified.day <= month_policy.recurrence_days
),

judged_action AS (
    SELECT
        action.month,
        action.origin,
        action.party_kind,
        action.party,
        1 AS opened,
        CASE
            WHEN action.due_date IS NULL THEN NULL
            WHEN action.verified_date <= action.due_date THEN 1
            WHEN action.verified_date IS NOT NULL OR action.due_date < $run_date THEN 0
        END AS verified_in_time,
        CASE WHEN coalesce(action.done_date, action.verified_date) IS NULL AND action.due_date < $run_date THEN 1 ELSE 0 END AS overdue,
        CAST(action.verified_date - action.opened_date AS DOUBLE) AS days,
        CASE WHEN recurred.action_no IS NOT NULL THEN 1 ELSE 0 END AS recurred
    FROM action
    LEFT JOIN recurred_action AS recurred ON recurred.action_no = action.action_no
),

listed_month AS (
    -- domain.md, section 1: a row for each month within 24 months of one with an action of the same key
    SELECT
        unnest(generate_series(month, CAST(month + INTERVAL '23 months' AS DATE), INTERVAL '1 month')) AS month,
        origin,
        party_kind,
        party
    FROM (SELECT DISTINCT month, origin, party_kind, party FROM action) AS action_month
),

action_or_empty AS (
    SELECT month, origin, party_kind, party, opened, verified_in_time, overdue, days, recurred FROM judged_action
    UNION ALL
    SELECT month, origin, party_kind, party, 0, CAST(NULL AS INT), 0, CAST(NULL AS DOUBLE), 0
    FROM listed_month
    WHERE month <= CAST(date_trunc('month', $run_date) AS DATE)
)

SELECT
    month,
    origin,
    party_kind,
    party,
    CAST(sum(opened) AS BIGINT) AS opened_count,
    CAST(sum(verified_in_time) AS DOUBLE) / nullif(count(verified_in_time), 0) AS verified_in_time_rate,
    CAST(sum(overdue) AS BIGINT) AS overdue_count,
    exact_quantile(days, 0.5) AS median_days,
    CAST(sum(recurred) AS BIGINT) AS recurred_count,
    count(verified_in_time) AS judged_count,
    count(days) AS verified_count
FROM action_or_empty
GROUP BY month, origin, party_kind, party
