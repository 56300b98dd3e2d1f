-- domain.md, section 1, "Satisfaction of a brand": one answer per survey, respondent and brand, here of one customer on own brands.
WITH answer AS (
    SELECT DISTINCT customer_id, survey_id, respondent_id, brand_code, overall_score, recommend_score
    FROM core.survey_answer
    WHERE is_own AND respondent_type = 'end_customer' AND customer_id <> 'unknown' AND is_first_factor
),
span AS (
    SELECT customer_id, survey_id, max(answered_date) AS answered_date
    FROM core.survey_answer
    WHERE is_own AND respondent_type = 'end_customer' AND customer_id <> 'unknown'
    GROUP BY customer_id, survey_id
),
scored AS (
    SELECT
        customer_id,
        survey_id,
        sum(overall_score::DECIMAL(18, 6))::DOUBLE / count(overall_score) AS overall_score,
        sum(recommend_score::DECIMAL(18, 6))::DOUBLE / count(recommend_score) AS recommend_score,
        count(*) AS answer_count
    FROM answer
    GROUP BY customer_id, survey_id
)
SELECT
    scored.customer_id,
    scored.survey_id,
    span.answered_date,
    scored.overall_score,
    scored.recommend_score,
    scored.answer_count,
    row_number() OVER (PARTITION BY scored.customer_id ORDER BY span.answered_date DESC, scored.survey_id DESC) AS survey_rank
FROM scored
JOIN span ON span.customer_id = scored.customer_id AND span.survey_id = scored.survey_id
