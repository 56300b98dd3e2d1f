-- Weights of factors, each until the next one of the same respondent type and factor.
SELECT
    respondent_type,
    factor,
    valid_from AS valid_from_date,
    lead(valid_from) OVER (PARTITION BY respondent_type, factor ORDER BY valid_from) AS valid_to_date,
    weight
FROM staged.survey_weight
