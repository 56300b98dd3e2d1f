-- domain.md, section 1 and 3: one row a factor; what is asked once a brand counts once, on whichever row it stands.
WITH plan_span AS (
    SELECT survey_id, min(period_from) AS period_from, max(period_to) AS period_to
    FROM staged.survey_plan
    GROUP BY survey_id
),
once AS (
    SELECT
        survey_id,
        respondent_id,
        brand,
        min(factor) AS first_factor,
        max(overall_score) AS overall_score,
        max(recommend_score) AS recommend_score,
        bool_or(would_buy_again) AS would_buy_again,
        bool_or(knows_brand) AS knows_brand,
        bool_or(considers_brand) AS considers_brand,
        bool_or(prefers_brand) AS prefers_brand
    FROM staged.survey_answer
    GROUP BY ALL
),
placed AS (
    SELECT
        answer.*,
        account.customer_id,
        dealer.dealer_code AS known_dealer,
        coalesce(plan.period_from, plan_span.period_from) AS period_from,
        coalesce(plan.period_to, plan_span.period_to) AS period_to,
        coalesce(
            answer.province,
            CASE WHEN customer.country NOT IN (SELECT country FROM core.region WHERE is_domestic) THEN customer.country ELSE customer.province END,
            nullif(dealer.province, 'unknown')
        ) AS place
    FROM staged.survey_answer AS answer
    LEFT JOIN core.account AS account ON account.account_id = answer.account_id
    LEFT JOIN core.customer_identity AS customer ON customer.customer_id = account.customer_id
    LEFT JOIN core.dealer AS dealer ON dealer.dealer_code = answer.dealer_code
    LEFT JOIN staged.survey_plan AS plan ON plan.survey_id = answer.survey_id AND plan.respondent_type = answer.respondent_type AND plan.method = answer.method
    LEFT JOIN plan_span ON plan_span.survey_id = answer.survey_id
)
SELECT
    answer.survey_id,
    answer.respondent_id,
    coalesce(brand.brand, 'unknown') AS brand,
    answer.brand AS brand_code,
    answer.factor,
    coalesce(brand.is_own, false) AS is_own,
    answer.answered_on AS answered_date,
    answer.period_from,
    answer.period_to,
    answer.method,
    answer.respondent_type,
    coalesce(answer.customer_id, 'unknown') AS customer_id,
    answer.account_id,
    coalesce(answer.known_dealer, 'unknown') AS dealer,
    answer.dealer_code,
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    coalesce(region.country, 'unknown') AS country,
    coalesce(answer.product_type, 'unknown') AS product_type,
    coalesce(industry.industry, 'unknown') AS industry,
    coalesce(industry.industry_group, 'unknown') AS industry_group,
    answer.factor = once.first_factor AS is_first_factor,
    answer.score,
    answer.importance,
    once.overall_score,
    once.recommend_score,
    once.would_buy_again,
    once.knows_brand,
    once.considers_brand,
    once.prefers_brand
FROM placed AS answer
JOIN once USING (survey_id, respondent_id, brand)
LEFT JOIN core.brand AS brand ON brand.brand = answer.brand
LEFT JOIN core.region AS region ON region.province = answer.place
LEFT JOIN core.industry AS industry ON industry.industry = answer.industry
