-- domain.md, section 10: weighted mean of factor means, weak factors of the period before counting more.
WITH policy AS (
    SELECT period_to,
        max(value) FILTER (key = 'satisfaction.index.boost_below_score') AS boost_below,
        max(value) FILTER (key = 'satisfaction.index.boost_factor') AS boost,
        max(value) FILTER (key = 'satisfaction.index.promoter_from') AS promoter_from,
        max(value) FILTER (key = 'satisfaction.index.detractor_to') AS detractor_to
    FROM (SELECT DISTINCT period_to FROM core.survey_answer WHERE period_to <= getvariable('run_date'))
    JOIN core.policy ON valid_from <= period_to AND (valid_to IS NULL OR period_to < valid_to)
    GROUP BY period_to
),
answer AS (
    SELECT * FROM core.survey_answer WHERE period_to <= getvariable('run_date')
),
factor AS (
    SELECT period_from, period_to, respondent_type, brand, factor, avg(score) AS score
    FROM answer GROUP BY ALL HAVING count(score) > 0
),
weighted AS (
    SELECT factor.*, weight, weight * CASE WHEN round(prior.score, 12) < boost_below THEN boost ELSE 1 END AS boosted_weight
    FROM factor
    JOIN core.survey_weight AS weight ON weight.respondent_type = factor.respondent_type AND weight.factor = factor.factor
        AND valid_from_date <= factor.period_to AND (valid_to_date IS NULL OR factor.period_to < valid_to_date)
    LEFT JOIN policy USING (period_to)
    LEFT JOIN core.survey_period AS period ON period.respondent_type = factor.respondent_type
        AND period.period_from = factor.period_from AND period.period_to = factor.period_to
    LEFT JOIN factor AS prior ON prior.respondent_type = factor.respondent_type AND prior.brand = factor.brand AND prior.factor = factor.factor
        AND prior.period_from = prior_period_from AND prior.period_to = prior_period_to
),
scored AS (
    SELECT period_from, period_to, respondent_type, brand,
        sum(score * boosted_weight) / nullif(sum(boosted_weight), 0) AS index_score,
        sum(score * weight) / nullif(sum(weight), 0) AS index_unboosted_score,
        count(*) AS factor_count,
        count(*) FILTER (boosted_weight > weight) AS boosted_count
    FROM weighted GROUP BY ALL
),
asked AS (
    SELECT period_from, period_to, respondent_type, brand, count(*) AS answer_count,
        (count(*) FILTER (recommend_score >= promoter_from) - count(*) FILTER (recommend_score <= detractor_to)) / nullif(count(recommend_score), 0)::DOUBLE AS nps_index,
        avg(would_buy_again::INTEGER) AS would_buy_again_rate
    FROM answer LEFT JOIN policy USING (period_to)
    WHERE is_first_factor
    GROUP BY ALL
)
SELECT period_from, period_to, respondent_type, brand, answer_count, index_score, index_unboosted_score, nps_index, would_buy_again_rate,
    coalesce(factor_count, 0) AS factor_count, coalesce(boosted_count, 0) AS boosted_count
FROM asked LEFT JOIN scored USING (period_from, period_to, respondent_type, brand)
