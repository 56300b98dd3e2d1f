-- domain.md, section 10: stated and derived importance of factors among end customers, latest ended period.
WITH period AS (
    SELECT DISTINCT period_from, period_to FROM core.survey_period
    WHERE respondent_type = 'end_customer' AND period_to <= getvariable('run_date')
    ORDER BY period_to DESC, period_from DESC LIMIT 1
),
minimum AS (
    SELECT value FROM core.policy
    WHERE key = 'satisfaction.purchase_factor.minimum_answers'
        AND valid_from <= getvariable('run_date') AND (valid_to IS NULL OR getvariable('run_date') < valid_to)
),
stated AS (
    SELECT region, product_type, factor, avg(importance) AS stated_importance,
        count(*) AS answer_count,
        count(*) FILTER (score IS NOT NULL AND overall_score IS NOT NULL) AS pair_count,
        corr(score, overall_score) AS correlation,
        count(DISTINCT score) FILTER (overall_score IS NOT NULL) > 1 AND count(DISTINCT overall_score) FILTER (score IS NOT NULL) > 1 AS varies
    FROM core.survey_answer JOIN period USING (period_from, period_to)
    WHERE respondent_type = 'end_customer'
    GROUP BY ALL
),
measured AS (
    SELECT *, region <> 'unknown' AND product_type <> 'unknown' AS is_known,
        CASE WHEN pair_count >= (SELECT value FROM minimum) AND varies THEN correlation END AS derived_importance
    FROM stated
),
halved AS (
    SELECT *,
        round(stated_importance, 12) >= round(median(stated_importance) OVER one, 12) AS is_stated_high,
        round(derived_importance, 12) >= round(median(derived_importance) OVER one, 12) AS is_derived_high
    FROM measured
    WINDOW one AS (PARTITION BY region, product_type)
)
SELECT region, product_type, factor, stated_importance, derived_importance,
    CASE WHEN is_known THEN rank() OVER (PARTITION BY region, product_type ORDER BY round(stated_importance, 12) DESC NULLS LAST) END AS stated_rank,
    CASE WHEN is_known THEN rank() OVER (PARTITION BY region, product_type ORDER BY round(derived_importance, 12) DESC NULLS LAST) END AS derived_rank,
    CASE WHEN is_derived_high THEN 'differentiator' WHEN NOT is_derived_high AND is_stated_high THEN 'basic' WHEN NOT is_derived_high AND NOT is_stated_high THEN 'minor' END AS factor_class,
    answer_count, pair_count, period_from, period_to
FROM halved, period
