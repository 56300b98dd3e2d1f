/* ---
description: >
  Weights of the factors in the satisfaction index, with the days on which they apply: from valid_from until the next
  row of the same respondent type and factor.
owner: quality
key: [respondent_type, factor, valid_from_date]
columns:
  respondent_type: { type: string, title: { zh: 对象, en: Respondent type }, description: "dealer, end_customer or complainant." }
  factor: { type: string, title: { zh: 因素, en: Factor }, description: Factor of satisfaction. }
  valid_from_date: { type: date, title: { zh: 生效日期, en: Valid from }, description: First day on which the weight applies. }
  valid_to_date: { type: date, title: { zh: 失效日期, en: Valid to }, description: "First day on which it no longer applies; NULL for the weight in force." }
  weight: { type: double, unit: weight, title: { zh: 权重, en: Weight }, description: Weight of the factor among those of the type. }
checks:
  - not_null: [respondent_type, factor, valid_from_date, weight]
  - expr: weight >= 0
--- */
SELECT
    respondent_type,
    factor,
    valid_from AS valid_from_date,
    lead(valid_from) OVER (PARTITION BY respondent_type, factor ORDER BY valid_from) AS valid_to_date,
    weight
FROM staged.survey_weight
