/* ---
description: >
  How many of those asked answered, by survey period, respondent type and method; only ended periods have rows. A
  respondent counts once in each survey, type and method, however many brands and factors the answer holds. An answer
  that comes after the period still belongs to its survey. Answers by a method that the plan does not have are counted
  with no number sent and no rate; a missing method is `unknown`.
owner: quality
key: [period_from, period_to, respondent_type, method]
columns:
  period_from: { type: date, title: { zh: 调查期起, en: Period from }, description: First day of the survey period. }
  period_to: { type: date, title: { zh: 调查期止, en: Period to }, description: Last day of the survey period. }
  respondent_type: { type: string, title: { zh: 对象, en: Respondent type }, description: "dealer, end_customer or complainant." }
  method: { type: string, title: { zh: 方式, en: Method }, description: "questionnaire, interview, complaint_follow_up or unknown." }
  sent_count: { type: bigint, unit: forms, title: { zh: 发放数, en: Sent }, description: "Forms sent, or people asked." }
  answered_count: { type: bigint, unit: respondents, title: { zh: 回收数, en: Answered }, description: Respondents who answered. }
  response_rate: { type: double, unit: share, title: { zh: 回收率, en: Response rate }, description: Answered of sent. }
checks:
  - not_null: [period_from, period_to, respondent_type, method, answered_count]
  - expr: answered_count >= 0 and sent_count >= 0
  - expr: (response_rate is null) = (coalesce(sent_count, 0) = 0)
  - expr: response_rate <= 1
    severity: warn
    name: no_more_answers_than_were_sent
--- */
WITH asked_or_answered AS (
    SELECT period_from, period_to, respondent_type, method, sent_count, 0 AS answered_count
    FROM core.survey_plan
    WHERE period_to <= $run_date
    UNION ALL
    SELECT
        period_from,
        period_to,
        respondent_type,
        coalesce(method, 'unknown') AS method,
        CAST(NULL AS BIGINT),
        count(DISTINCT respondent_id)
    FROM core.survey_answer
    WHERE period_to <= $run_date
    GROUP BY survey_id, period_from, period_to, respondent_type, coalesce(method, 'unknown')
)

SELECT
    period_from,
    period_to,
    respondent_type,
    method,
    CAST(sum(sent_count) AS BIGINT) AS sent_count,
    CAST(sum(answered_count) AS BIGINT) AS answered_count,
    CAST(sum(answered_count) AS DOUBLE) / nullif(sum(sent_count), 0) AS response_rate
FROM asked_or_answered
GROUP BY period_from, period_to, respondent_type, method
