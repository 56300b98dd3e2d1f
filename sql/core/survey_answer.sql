/* ---
description: >
  Answers to the satisfaction surveys, one row for each factor that a respondent rated for a brand. What is asked once
  for each survey, respondent and brand (overall and recommend score, would buy again, knows, considers and prefers the
  brand) repeats on each factor's row: the largest value where the rows differ. is_first_factor is true on exactly one
  of these rows, so `WHERE is_first_factor` counts each answer once. The customer is that of the account. Place: the
  province of the answer, which is the country overseas, else the place of the customer, else of the dealer. The
  period is that of the survey's plan for the respondent type and method, else the survey's whole span; a survey
  without a plan has none. An unknown brand, province, industry or dealer is the member `unknown`.
owner: quality
key: [survey_id, respondent_id, brand_code, factor]
partition_by: [survey_id]
columns:
  survey_id: { type: string, title: { zh: 调查编号, en: Survey }, description: Number of the survey. }
  respondent_id: { type: string, title: { zh: 答卷编号, en: Respondent }, description: Number of the respondent within the survey. }
  brand: { type: string, title: { zh: 品牌, en: Brand }, description: Member of core.brand. }
  brand_code: { type: string, title: { zh: 原品牌, en: Brand as delivered }, description: Brand as delivered. }
  factor: { type: string, title: { zh: 因素, en: Factor }, description: Factor of satisfaction. }
  is_own: { type: boolean, title: { zh: 是否自有, en: Is own }, description: The brand's role is own. }
  answered_date: { type: date, title: { zh: 答卷日期, en: Answered on }, description: Day of the answer. }
  period_from: { type: date, title: { zh: 调查期起, en: Period from }, description: First day of the survey period. }
  period_to: { type: date, title: { zh: 调查期止, en: Period to }, description: Last day of the survey period. }
  method: { type: string, title: { zh: 方式, en: Method }, description: "questionnaire, interview or complaint_follow_up." }
  respondent_type: { type: string, title: { zh: 对象, en: Respondent type }, description: "dealer, end_customer or complainant." }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: "Customer of the account, `unknown` where none is named." }
  account_id: { type: string, title: { zh: 客户号, en: Account }, description: Account as delivered. }
  dealer: { type: string, title: { zh: 经销商, en: Dealer }, description: Member of core.dealer. }
  dealer_code: { type: string, title: { zh: 经销商编码, en: Dealer code }, description: Code as delivered. }
  province: { type: string, title: { zh: 省份, en: Province }, description: "Member of core.region; a country overseas." }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  country: { type: string, title: { zh: 国家, en: Country }, description: Country. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: "Product type, `unknown` where not given." }
  industry: { type: string, title: { zh: 行业, en: Industry }, description: Member of core.industry. }
  industry_group: { type: string, title: { zh: 行业大类, en: Industry group }, description: Upper level of the industry. }
  is_first_factor: { type: boolean, title: { zh: 是否首个因素, en: Is first factor }, description: "One row of each survey, respondent and brand." }
  score: { type: double, unit: points 1..10, title: { zh: 评分, en: Score }, description: Score of the factor. }
  importance: { type: double, unit: points 1..10, title: { zh: 重要度, en: Importance }, description: Importance of the factor as stated. }
  overall_score: { type: double, unit: points 1..10, title: { zh: 总体评分, en: Overall score }, description: Score of the brand as a whole. }
  recommend_score: { type: double, unit: points 0..10, title: { zh: 推荐意愿, en: Recommend score }, description: How readily the respondent recommends the brand. }
  would_buy_again: { type: boolean, title: { zh: 再次购买, en: Would buy again }, description: The respondent would buy the brand again. }
  knows_brand: { type: boolean, title: { zh: 知道该品牌, en: Knows the brand }, description: The respondent knows the brand. }
  considers_brand: { type: boolean, title: { zh: 考虑该品牌, en: Considers the brand }, description: The respondent considers the brand. }
  prefers_brand: { type: boolean, title: { zh: 首选该品牌, en: Prefers the brand }, description: The respondent prefers the brand. }
checks:
  - not_null: [survey_id, respondent_id, brand, brand_code, factor, is_own, answered_date, respondent_type, customer_id, dealer, province, region, country, product_type, industry, industry_group, is_first_factor]
  - relationships: { column: brand, to: core.brand, field: brand }
  - relationships: { column: dealer, to: core.dealer, field: dealer_code }
  - relationships: { column: province, to: core.region, field: province }
  - relationships: { column: industry, to: core.industry, field: industry }
  - range: { column: score, min: 1, max: 10 }
    severity: warn
  - range: { column: importance, min: 1, max: 10 }
    severity: warn
  - range: { column: overall_score, min: 1, max: 10 }
    severity: warn
  - range: { column: recommend_score, min: 0, max: 10 }
    severity: warn
  - not_null: [period_to]
    severity: warn
    name: answer_of_a_planned_survey
  - expr: brand <> 'unknown'
    severity: warn
    name: brand_in_the_reference
--- */
WITH survey_span AS (
    SELECT survey_id, min(period_from) AS period_from, max(period_to) AS period_to
    FROM core.survey_plan
    GROUP BY survey_id
),

account_place AS (
    -- joined here, where rows are few and narrow
    SELECT account.account_id, account.customer_id, customer.place
    FROM staged.crm_account AS account
    LEFT JOIN core.customer_place AS customer ON customer.customer_id = account.customer_id
),

whole_answer AS (
    -- what is asked once repeats on the row of each factor
    SELECT
        survey_id,
        respondent_id,
        brand,
        max(overall_score) AS overall_score,
        max(recommend_score) AS recommend_score,
        bool_or(would_buy_again) AS would_buy_again,
        bool_or(knows_brand) AS knows_brand,
        bool_or(considers_brand) AS considers_brand,
        bool_or(prefers_brand) AS prefers_brand,
        min(factor) AS first_factor
    FROM staged.survey_answer
    GROUP BY survey_id, respondent_id, brand
)

SELECT
    answer.survey_id,
    answer.respondent_id,
    coalesce(brand.brand, 'unknown') AS brand,
    answer.brand AS brand_code,
    answer.factor,
    coalesce(brand.is_own, false) AS is_own,
    answer.answered_on AS answered_date,
    coalesce(plan.period_from, survey_span.period_from) AS period_from,
    coalesce(plan.period_to, survey_span.period_to) AS period_to,
    answer.method,
    answer.respondent_type,
    coalesce(account.customer_id, 'unknown') AS customer_id,
    answer.account_id,
    coalesce(dealer.dealer_code, 'unknown') AS dealer,
    answer.dealer_code,
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    coalesce(region.country, 'unknown') AS country,
    coalesce(answer.product_type, 'unknown') AS product_type,
    coalesce(industry.industry, 'unknown') AS industry,
    coalesce(industry.industry_group, 'unknown') AS industry_group,
    answer.factor = whole.first_factor AS is_first_factor,
    answer.score,
    answer.importance,
    whole.overall_score,
    whole.recommend_score,
    whole.would_buy_again,
    whole.knows_brand,
    whole.considers_brand,
    whole.prefers_brand
FROM staged.survey_answer AS answer
JOIN whole_answer AS whole
    ON whole.survey_id = answer.survey_id
    AND whole.respondent_id = answer.respondent_id
    AND whole.brand = answer.brand
LEFT JOIN core.brand AS brand ON brand.brand = answer.brand
LEFT JOIN core.survey_plan AS plan
    ON plan.survey_id = answer.survey_id
    AND plan.respondent_type = answer.respondent_type
    AND plan.method = answer.method
LEFT JOIN survey_span ON survey_span.survey_id = answer.survey_id
LEFT JOIN account_place AS account ON account.account_id = answer.account_id
LEFT JOIN core.dealer AS dealer ON dealer.dealer_code = answer.dealer_code
LEFT JOIN core.region AS region
    ON region.province = coalesce(answer.province, account.place, nullif(dealer.province, 'unknown'))
LEFT JOIN core.industry AS industry ON industry.industry = answer.industry
