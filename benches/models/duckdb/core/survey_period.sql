-- The periods of the plans and of the answers, each with the one before it of the same respondent type.
WITH period AS (
    SELECT respondent_type, period_from, period_to FROM staged.survey_plan
    UNION
    SELECT respondent_type, period_from, period_to FROM core.survey_answer WHERE period_to IS NOT NULL
)
SELECT
    respondent_type,
    period_from,
    period_to,
    lag(period_from) OVER ordered AS prior_period_from,
    lag(period_to) OVER ordered AS prior_period_to
FROM period
WINDOW ordered AS (PARTITION BY respondent_type ORDER BY period_to, period_from)
