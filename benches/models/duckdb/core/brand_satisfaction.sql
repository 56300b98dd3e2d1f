-- domain.md, section 1, "Satisfaction of a brand": the latest ended period of end customers; too few answers give NULL.
WITH period AS (
    SELECT period_from, period_to FROM core.survey_period
    WHERE respondent_type = 'end_customer' AND period_to <= getvariable('run_date')
    ORDER BY period_to DESC, period_from DESC
    LIMIT 1
),
answer AS (
    SELECT brand, is_own, survey_id, respondent_id, overall_score, period_from, period_to
    FROM core.survey_answer JOIN period USING (period_from, period_to)
    WHERE respondent_type = 'end_customer' AND is_first_factor AND overall_score IS NOT NULL
),
least AS (
    -- the table has no period of its own in its key
    SELECT value FROM core.policy
    WHERE valid_from <= getvariable('run_date') AND (valid_to IS NULL OR valid_to > getvariable('run_date')) AND key = 'satisfaction.minimum_answers'
),
own AS (
    SELECT CASE WHEN count(*) >= any_value(value) THEN avg(overall_score) END AS score FROM answer, least WHERE is_own
)
SELECT brand, CASE WHEN count(*) >= any_value(value) THEN avg(overall_score) END AS satisfaction_score, count(*) AS answer_count,
    any_value(own.score) AS own_satisfaction_score, is_own, period_from, period_to
FROM answer, least, own
GROUP BY brand, is_own, period_from, period_to
