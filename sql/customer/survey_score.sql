/* ---
description: >
  What a customer said of own brands in each survey that it answered: means over the answers of its end customers (each
  survey, respondent and brand once), the latest survey first. Surveys are ordered by the last day on which the customer
  answered them, then by number. Loyalty, alerts and the profile stand on it.
owner: quality
key: [customer_id, survey_id]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  survey_id: { type: string, title: { zh: 调查编号, en: Survey }, description: Number of the survey. }
  answered_date: { type: date, title: { zh: 答卷日期, en: Answered on }, description: Last day on which the customer answered the survey. }
  overall_score: { type: double, unit: points 1..10, title: { zh: 总体评分, en: Overall score }, description: Mean overall score. }
  recommend_score: { type: double, unit: points 0..10, title: { zh: 推荐意愿, en: Recommend score }, description: Mean recommend score. }
  answer_count: { type: bigint, unit: answers, title: { zh: 答卷数, en: Answers }, description: Answers. }
  survey_rank: { type: bigint, title: { zh: 调查次序, en: Survey rank }, description: 1 for the latest survey of the customer. }
checks:
  - not_null: [customer_id, survey_id, answered_date, answer_count, survey_rank]
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
  - unique: [customer_id, survey_rank]
--- */
WITH own_answer AS (
    SELECT
        customer_id,
        survey_id,
        max(answered_date) AS answered_date,
        exact_avg(overall_score) AS overall_score,
        exact_avg(recommend_score) AS recommend_score,
        count(*) AS answer_count
    FROM core.survey_answer
    WHERE is_own AND is_first_factor AND respondent_type = 'end_customer' AND customer_id <> 'unknown'
    GROUP BY customer_id, survey_id
)

SELECT
    customer_id,
    survey_id,
    answered_date,
    overall_score,
    recommend_score,
    answer_count,
    CAST(row_number() OVER (PARTITION BY customer_id ORDER BY answered_date DESC, survey_id DESC) AS BIGINT) AS survey_rank
FROM own_answer
