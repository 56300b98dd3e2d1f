/* ---
description: >
  What respondents know, consider and prefer, and what they pay for it, by survey period, region and brand. A survey,
  respondent and brand is one answer, of whatever respondent type; each rate is of those who answered that question.
  The region is that of the respondent. Periods have rows once they have ended by run_date. The price premium compares
  registrations of the region in the months that the period touches: brand prices against the market's prices of the
  same months and product types, less 1. The stage is the highest one whose own conditions hold; a rate or premium that
  is not known holds none, and without any of the three rates there is no stage.
owner: market-research
key: [period_from, period_to, region, brand]
columns:
  period_from: { type: date, title: { zh: 调查期起, en: Period from }, description: First day of the survey period. }
  period_to: { type: date, title: { zh: 调查期止, en: Period to }, description: Last day of the survey period. }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region of the respondents. }
  brand: { type: string, title: { zh: 品牌, en: Brand }, description: Member of core.brand. }
  knows_rate: { type: double, unit: share, title: { zh: 知晓率, en: Knows rate }, description: Respondents who know the brand. }
  considers_rate: { type: double, unit: share, title: { zh: 考虑率, en: Considers rate }, description: Respondents who consider it. }
  prefers_rate: { type: double, unit: share, title: { zh: 首选率, en: Prefers rate }, description: Respondents who prefer it. }
  would_buy_again_rate: { type: double, unit: share, title: { zh: 再购率, en: Would buy again rate }, description: Respondents who would buy it again. }
  price_premium_rate: { type: double, unit: ratio, title: { zh: 溢价率, en: Price premium }, description: Brand price over market price less 1. }
  stage: { type: string, title: { zh: 品牌阶段, en: Stage }, description: "commodity, name, brand or strong_brand." }
  answer_count: { type: bigint, unit: answers, title: { zh: 答卷数, en: Answers }, description: Answers about the brand. }
checks:
  - not_null: [period_from, period_to, region, brand, answer_count]
  - accepted_values: { column: stage, values: [commodity, name, brand, strong_brand] }
  - expr: knows_rate between 0 and 1 and considers_rate between 0 and 1
  - expr: prefers_rate between 0 and 1 and would_buy_again_rate between 0 and 1
  - range: { column: price_premium_rate, above: -1 }
  - expr: period_to >= period_from
  - expr: answer_count > 0
  - relationships: { column: brand, to: core.brand, field: brand }
--- */
WITH brand_answer AS (
    SELECT
        period_from,
        period_to,
        region,
        brand,
        count(*) AS answer_count,
        -- the mean of 1 and 0 over those who were asked
        CAST(count(*) FILTER (WHERE knows_brand) AS DOUBLE) / nullif(count(knows_brand), 0) AS knows_rate,
        CAST(count(*) FILTER (WHERE considers_brand) AS DOUBLE) / nullif(count(considers_brand), 0) AS considers_rate,
        CAST(count(*) FILTER (WHERE prefers_brand) AS DOUBLE) / nullif(count(prefers_brand), 0) AS prefers_rate,
        CAST(count(*) FILTER (WHERE would_buy_again) AS DOUBLE) / nullif(count(would_buy_again), 0) AS would_buy_again_rate
    FROM core.survey_answer
    WHERE is_first_factor AND period_to <= $run_date
    GROUP BY period_from, period_to, region, brand
),

survey_period AS (
    SELECT DISTINCT period_from, period_to FROM brand_answer
),

priced_month AS (
    SELECT
        month,
        region,
        brand,
        exact_sum(average_price * units) AS brand_value,
        exact_sum(market_price * units) AS market_value
    FROM core.registration
    WHERE average_price IS NOT NULL
    GROUP BY month, region, brand
),

premium AS (
    -- domain.md, section 1, "Price index and premium"
    SELECT
        survey_period.period_from,
        survey_period.period_to,
        priced_month.region,
        priced_month.brand,
        exact_sum(priced_month.brand_value) / nullif(exact_sum(priced_month.market_value), 0) - 1 AS price_premium_rate
    FROM survey_period
    JOIN priced_month -- allow join-without-equality: periods are few
        ON priced_month.month >= CAST(date_trunc('month', survey_period.period_from) AS DATE)
        AND priced_month.month <= survey_period.period_to
    GROUP BY survey_period.period_from, survey_period.period_to, priced_month.region, priced_month.brand
),

period_policy AS (
    -- the policy in force on the last day of the period
    SELECT
        survey_period.period_from,
        survey_period.period_to,
        max(CASE WHEN policy.key = 'competitor.brand_strength.name_knows_from' THEN policy.value END) AS name_knows_from,
        max(CASE WHEN policy.key = 'competitor.brand_strength.brand_considers_from' THEN policy.value END) AS brand_considers_from,
        max(CASE WHEN policy.key = 'competitor.brand_strength.strong_prefers_from' THEN policy.value END) AS strong_prefers_from,
        max(CASE WHEN policy.key = 'competitor.brand_strength.strong_premium_from' THEN policy.value END) AS strong_premium_from
    FROM survey_period
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over four policies
        ON in_force(policy.valid_from, policy.valid_to, survey_period.period_to)
    WHERE policy.key LIKE 'competitor.brand_strength.%'
    GROUP BY survey_period.period_from, survey_period.period_to
)

SELECT
    answer.period_from,
    answer.period_to,
    answer.region,
    answer.brand,
    answer.knows_rate,
    answer.considers_rate,
    answer.prefers_rate,
    answer.would_buy_again_rate,
    premium.price_premium_rate,
    CASE
        WHEN coalesce(answer.knows_rate, answer.considers_rate, answer.prefers_rate) IS NULL THEN NULL
        WHEN round(answer.prefers_rate, 12) >= round(policy.strong_prefers_from, 12)
            AND round(premium.price_premium_rate, 12) >= round(policy.strong_premium_from, 12) THEN 'strong_brand'
        WHEN round(answer.considers_rate, 12) >= round(policy.brand_considers_from, 12) THEN 'brand'
        WHEN round(answer.knows_rate, 12) >= round(policy.name_knows_from, 12) THEN 'name'
        ELSE 'commodity'
    END AS stage,
    answer.answer_count
FROM brand_answer AS answer
LEFT JOIN premium
    ON premium.period_from = answer.period_from
    AND premium.period_to = answer.period_to
    AND premium.region = answer.region
    AND premium.brand = answer.brand
LEFT JOIN period_policy AS policy
    ON policy.period_from = answer.period_from
    AND policy.period_to = answer.period_to
