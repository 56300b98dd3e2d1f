-- domain.md, section 10: our answers against those about the rival of their own region and product type.
WITH period AS (
    SELECT respondent_type, arg_max(period_from, (period_to, period_from)) AS period_from, max(period_to) AS period_to
    FROM core.survey_period WHERE period_to <= getvariable('run_date')
    GROUP BY respondent_type
),
answer AS (
    SELECT survey_answer.* FROM core.survey_answer JOIN period USING (respondent_type, period_from, period_to)
),
stated AS (
    SELECT respondent_type, factor, avg(importance) AS stated_importance FROM answer GROUP BY ALL
),
own AS (
    SELECT respondent_type, factor, avg(score) AS score, var_samp(score) AS variance, count(score) AS n FROM answer WHERE is_own GROUP BY ALL
),
rival_brand AS (
    -- the benchmark is flagged for the product type, whether or not it sells in the region
    SELECT region, product_type, rival_kind, rival_brand FROM competitor.rival WHERE rival_kind = 'strongest'
    UNION
    SELECT answer.region, product_type, rival_kind, rival_brand FROM competitor.rival JOIN answer USING (product_type) WHERE rival_kind = 'benchmark'
),
rival AS (
    SELECT respondent_type, factor, rival_kind, avg(score) AS score, var_samp(score) AS variance, count(score) AS n
    FROM answer JOIN rival_brand ON rival_brand.region = answer.region AND rival_brand.product_type = answer.product_type AND rival_brand.rival_brand = answer.brand
    WHERE brand <> 'unknown' AND NOT is_own
    GROUP BY ALL
),
compared AS (
    SELECT respondent_type, factor, rival_kind, own.score AS own_score, rival.score AS rival_score, own.score - rival.score AS gap_score,
        coalesce(own.n, 0) + coalesce(rival.n, 0) AS n, sqrt(own.variance / own.n + rival.variance / rival.n) AS standard_error,
        coalesce(own.n, 0) AS own_count, coalesce(rival.n, 0) AS rival_count
    FROM stated CROSS JOIN (VALUES ('strongest'), ('benchmark')) AS kind (rival_kind)
    LEFT JOIN own USING (respondent_type, factor) LEFT JOIN rival USING (respondent_type, factor, rival_kind)
)
SELECT compared.respondent_type, compared.factor, rival_kind, own_score, rival_score, gap_score, n, standard_error,
    round(abs(gap_score), 12) > round(policy.value * standard_error, 12) AS is_significant,
    stated_importance * CASE WHEN gap_score < 0 THEN -gap_score WHEN gap_score >= 0 THEN 0 END AS priority_score,
    own_count, rival_count, stated_importance, period_from, period_to
FROM compared LEFT JOIN stated USING (respondent_type, factor) LEFT JOIN period USING (respondent_type)
LEFT JOIN core.policy ON policy.key = 'satisfaction.gap.significance_deviates' AND valid_from <= getvariable('run_date') AND (valid_to IS NULL OR getvariable('run_date') < valid_to)
