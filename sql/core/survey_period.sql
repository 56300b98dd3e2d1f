/* ---
description: >
  Survey periods of each respondent type, those of the plans and those that answers fall into, with the period before.
  The one before is the type's last period in the order of their last days, then of their first days.
owner: quality
key: [respondent_type, period_from, period_to]
columns:
  respondent_type: { type: string, title: { zh: 对象, en: Respondent type }, description: "dealer, end_customer or complainant." }
  period_from: { type: date, title: { zh: 调查期起, en: Period from }, description: First day of the survey period. }
  period_to: { type: date, title: { zh: 调查期止, en: Period to }, description: Last day of the survey period. }
  prior_period_from: { type: date, title: { zh: 上期起, en: Prior period from }, description: First day of the period before. }
  prior_period_to: { type: date, title: { zh: 上期止, en: Prior period to }, description: Last day of the period before. }
checks:
  - not_null: [respondent_type, period_from, period_to]
  - expr: prior_period_to <= period_to
--- */
WITH type_period AS (
    SELECT respondent_type, period_from, period_to FROM core.survey_plan
    UNION
    SELECT respondent_type, period_from, period_to FROM core.survey_answer WHERE period_to IS NOT NULL
)

SELECT
    respondent_type,
    period_from,
    period_to,
    lag(period_from) OVER (PARTITION BY respondent_type ORDER BY period_to, period_from) AS prior_period_from,
    lag(period_to) OVER (PARTITION BY respondent_type ORDER BY period_to, period_from) AS prior_period_to
FROM type_period
