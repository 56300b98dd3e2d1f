/* ---
description: >
  Satisfaction of a brand (domain.md, section 1): the mean overall score over the end-customer answers that rate it
  anywhere, in the latest survey period of end customers that has ended by run_date. A survey, respondent and brand is
  one answer; answers without an overall score do not count. Fewer answers than the policy asks for give no score. A
  brand that nobody rated in that period has no row. Own brands are also taken together as if they were one: that score
  stands on every row.
owner: quality
key: [brand]
columns:
  brand: { type: string, title: { zh: 品牌, en: Brand }, description: Member of core.brand. }
  satisfaction_score: { type: double, unit: points 1..10, title: { zh: 满意度, en: Satisfaction }, description: "Mean overall score, NULL with too few answers." }
  answer_count: { type: bigint, unit: answers, title: { zh: 答卷数, en: Answers }, description: Answers with an overall score. }
  own_satisfaction_score: { type: double, unit: points 1..10, title: { zh: 自有满意度, en: Own satisfaction }, description: "The same over the answers on any own brand." }
  is_own: { type: boolean, title: { zh: 是否自有, en: Is own }, description: The brand's role is own. }
  period_from: { type: date, title: { zh: 调查期起, en: Period from }, description: First day of the survey period. }
  period_to: { type: date, title: { zh: 调查期止, en: Period to }, description: Last day of the survey period. }
checks:
  - not_null: [brand, answer_count, is_own, period_from, period_to]
  - relationships: { column: brand, to: core.brand, field: brand }
  - range: { column: satisfaction_score, min: 1, max: 10 }
    severity: warn
  - range: { column: own_satisfaction_score, min: 1, max: 10 }
    severity: warn
  - expr: answer_count > 0
--- */
WITH latest_period AS (
    SELECT period_from, period_to
    FROM core.survey_period
    WHERE respondent_type = 'end_customer' AND period_to <= $run_date
    ORDER BY period_to DESC, period_from DESC
    LIMIT 1
),

minimum AS (
    SELECT max(value) AS answers
    FROM core.policy
    WHERE key = 'satisfaction.minimum_answers'
        AND in_force(valid_from, valid_to, $run_date)
),

brand_answer AS (
    SELECT
        answer.brand,
        bool_or(answer.is_own) AS is_own,
        latest_period.period_from,
        latest_period.period_to,
        count(*) AS answer_count,
        exact_sum(answer.overall_score) AS score_sum
    FROM core.survey_answer AS answer
    JOIN latest_period
        ON latest_period.period_from = answer.period_from
        AND latest_period.period_to = answer.period_to
    WHERE answer.respondent_type = 'end_customer' AND answer.is_first_factor AND answer.overall_score IS NOT NULL
    GROUP BY answer.brand, latest_period.period_from, latest_period.period_to
),

own_answer AS (
    SELECT sum(answer_count) AS answer_count, exact_sum(score_sum) AS score_sum
    FROM brand_answer
    WHERE is_own
)

SELECT
    brand_answer.brand,
    CASE WHEN brand_answer.answer_count >= minimum.answers THEN brand_answer.score_sum / brand_answer.answer_count END AS satisfaction_score,
    brand_answer.answer_count,
    CASE WHEN own_answer.answer_count >= minimum.answers THEN own_answer.score_sum / own_answer.answer_count END AS own_satisfaction_score,
    brand_answer.is_own,
    brand_answer.period_from,
    brand_answer.period_to
FROM brand_answer
CROSS JOIN own_answer
CROSS JOIN minimum
