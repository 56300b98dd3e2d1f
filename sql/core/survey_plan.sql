/* ---
description: >
  Surveys as planned: who was asked, how, in which period, and how many forms were sent. The period that names a survey
  (domain.md, section 1) is that of these rows.
owner: quality
key: [survey_id, respondent_type, method]
columns:
  survey_id: { type: string, title: { zh: 调查编号, en: Survey }, description: Number of the survey. }
  respondent_type: { type: string, title: { zh: 对象, en: Respondent type }, description: "dealer, end_customer or complainant." }
  method: { type: string, title: { zh: 方式, en: Method }, description: "questionnaire, interview or complaint_follow_up." }
  period_from: { type: date, title: { zh: 调查期起, en: Period from }, description: First day of the survey period. }
  period_to: { type: date, title: { zh: 调查期止, en: Period to }, description: Last day of the survey period. }
  sent_count: { type: bigint, unit: forms, title: { zh: 发放数, en: Sent }, description: "Forms sent, or people asked." }
checks:
  - not_null: [survey_id, respondent_type, method, period_from, period_to]
  - expr: period_to >= period_from
  - expr: sent_count >= 0
--- */
SELECT
    survey_id,
    respondent_type,
    method,
    period_from,
    period_to,
    CAST(sent_count AS BIGINT) AS sent_count
FROM staged.survey_plan
