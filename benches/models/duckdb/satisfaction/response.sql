-- domain.md, section 10: who answered of those who were asked, by ended survey period.
WITH answered AS (
    SELECT period_from, period_to, respondent_type, coalesce(method, 'unknown') AS method,
        count(DISTINCT (survey_id, respondent_id)) AS answered_count
    FROM core.survey_answer
    WHERE period_to <= getvariable('run_date')
    GROUP BY ALL
),
asked AS (
    SELECT period_from, period_to, respondent_type, coalesce(method, 'unknown') AS method, sum(sent_count)::BIGINT AS sent_count
    FROM core.survey_plan
    WHERE period_to <= getvariable('run_date')
    GROUP BY ALL
)
SELECT period_from, period_to, respondent_type, method, sent_count, coalesce(answered_count, 0) AS answered_count,
    coalesce(answered_count, 0) / nullif(sent_count, 0)::DOUBLE AS response_rate
FROM asked FULL JOIN answered USING (period_from, period_to, respondent_type, method)
