/* ---
description: >
  What decides purchases, by region and product type: answers of end customers about all brands in the latest period of
  theirs that ended on or before run_date. Stated importance is the mean of what they say, derived importance the
  correlation of the factor's score with the overall score, over the answers that have both; fewer of these than the
  policy wants, or a side that never varies, gives NULL. Ranks are within region and product type, NULLs last; an
  unknown region or product type has none. A value is high from the median of the factors of its region and product
  type on. A factor is a differentiator when its derived importance is high, basic when it is low and the stated one
  high, minor when both are low; what cannot be decided is NULL.
owner: quality
key: [region, product_type, factor]
columns:
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  factor: { type: string, title: { zh: 因素, en: Factor }, description: Factor of satisfaction. }
  stated_importance: { type: double, unit: points 1..10, title: { zh: 陈述重要度, en: Stated importance }, description: Mean importance as stated. }
  derived_importance: { type: double, unit: correlation -1..1, title: { zh: 推导重要度, en: Derived importance }, description: Correlation of the factor's score with the overall score. }
  stated_rank: { type: bigint, title: { zh: 陈述排名, en: Stated rank }, description: Rank by stated importance. }
  derived_rank: { type: bigint, title: { zh: 推导排名, en: Derived rank }, description: Rank by derived importance. }
  factor_class: { type: string, title: { zh: 因素类别, en: Factor class }, description: "basic, differentiator or minor." }
  answer_count: { type: bigint, unit: answers, title: { zh: 答卷数, en: Answers }, description: Answers about the factor. }
  pair_count: { type: bigint, unit: answers, title: { zh: 相关样本数, en: Pairs }, description: Answers with both scores. }
  period_from: { type: date, title: { zh: 调查期起, en: Period from }, description: First day of the survey period. }
  period_to: { type: date, title: { zh: 调查期止, en: Period to }, description: Last day of the survey period. }
checks:
  - not_null: [region, product_type, factor, answer_count, pair_count, period_from, period_to]
  - accepted_values: { column: factor_class, values: [basic, differentiator, minor] }
  - expr: stated_importance between 1 and 10
    severity: warn
  - expr: derived_importance between -1 and 1
  - expr: pair_count between 0 and answer_count
  - expr: (stated_rank is null) = (region = 'unknown' or product_type = 'unknown') and (derived_rank is null) = (stated_rank is null)
    name: unknown_is_not_ranked
  - expr: factor_class is null
    where: derived_importance is null
    name: no_class_without_a_derived_importance
--- */
WITH latest_period AS (
    SELECT period_from, period_to
    FROM core.survey_period
    WHERE respondent_type = 'end_customer' AND period_to <= $run_date
    ORDER BY period_to DESC, period_from DESC
    LIMIT 1
),

minimum AS (
    SELECT max(value) AS answers
    FROM core.policy
    WHERE key = 'satisfaction.purchase_factor.minimum_answers'
        AND in_force(valid_from, valid_to, $run_date)
),

rated_factor AS (
    SELECT
        answer.region,
        answer.product_type,
        answer.factor,
        answer.period_from,
        answer.period_to,
        exact_avg(answer.importance) AS stated_importance,
        exact_corr(answer.score, answer.overall_score) AS correlation,
        count(*) AS answer_count,
        count(*) FILTER (WHERE answer.score IS NOT NULL AND answer.overall_score IS NOT NULL) AS pair_count
    FROM core.survey_answer AS answer
    JOIN latest_period ON latest_period.period_from = answer.period_from AND latest_period.period_to = answer.period_to
    WHERE answer.respondent_type = 'end_customer'
    GROUP BY answer.region, answer.product_type, answer.factor, answer.period_from, answer.period_to
),

derived_factor AS (
    SELECT
        factor.*,
        CASE WHEN factor.pair_count >= minimum.answers THEN factor.correlation END AS derived_importance,
        factor.region <> 'unknown' AND factor.product_type <> 'unknown' AS is_known
    FROM rated_factor AS factor
    CROSS JOIN minimum
),

market_median AS (
    SELECT
        region,
        product_type,
        exact_quantile(stated_importance, 0.5) AS stated_median,
        exact_quantile(derived_importance, 0.5) AS derived_median
    FROM derived_factor
    GROUP BY region, product_type
),

halved_factor AS (
    SELECT
        factor.*,
        round(factor.stated_importance, 12) >= round(market_median.stated_median, 12) AS is_stated_high,
        round(factor.derived_importance, 12) >= round(market_median.derived_median, 12) AS is_derived_high
    FROM derived_factor AS factor
    JOIN market_median ON market_median.region = factor.region AND market_median.product_type = factor.product_type
)

SELECT
    region,
    product_type,
    factor,
    stated_importance,
    derived_importance,
    CASE WHEN is_known
        THEN CAST(rank() OVER (PARTITION BY region, product_type ORDER BY round(stated_importance, 12) DESC NULLS LAST) AS BIGINT)
    END AS stated_rank,
    CASE WHEN is_known
        THEN CAST(rank() OVER (PARTITION BY region, product_type ORDER BY round(derived_importance, 12) DESC NULLS LAST) AS BIGINT)
    END AS derived_rank,
    CASE
        WHEN is_derived_high THEN 'differentiator'
        WHEN NOT is_derived_high AND is_stated_high THEN 'basic'
        WHEN NOT is_derived_high AND NOT is_stated_high THEN 'minor'
    END AS factor_class,
    answer_count,
    pair_count,
    period_from,
    period_to
FROM halved_factor
