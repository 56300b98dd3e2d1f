/* ---
description: >
  Satisfaction with each brand by survey period and respondent type. Only ended periods (last day on or before run_date)
  that hold an answer have rows. The index is the weighted mean of the means of the factors that were answered, with
  the weights of the respondent type that applied on the period's last day; a factor without a weight is left out. A
  factor counts more when its mean in the type's previous period was below the limit; one that nobody answered then
  does not. NPS is the share of promoters less that of detractors among those who answered. Each survey, respondent
  and brand is one answer. Answers of surveys without a plan have no period and are in no row.
owner: quality
key: [period_from, period_to, respondent_type, brand]
columns:
  period_from: { type: date, title: { zh: 调查期起, en: Period from }, description: First day of the survey period. }
  period_to: { type: date, title: { zh: 调查期止, en: Period to }, description: Last day of the survey period. }
  respondent_type: { type: string, title: { zh: 对象, en: Respondent type }, description: "dealer, end_customer or complainant." }
  brand: { type: string, title: { zh: 品牌, en: Brand }, description: Member of core.brand. }
  answer_count: { type: bigint, unit: answers, title: { zh: 答卷数, en: Answers }, description: "One for each survey, respondent and brand." }
  index_score: { type: double, unit: points 1..10, title: { zh: 满意度指数, en: Index }, description: "Weighted mean of factor means, weak factors boosted." }
  index_unboosted_score: { type: double, unit: points 1..10, title: { zh: 未加权重调整指数, en: Index without boost }, description: The same without the boost. }
  nps_index: { type: double, unit: index -1..1, title: { zh: 净推荐值, en: NPS }, description: Share of promoters less share of detractors. }
  would_buy_again_rate: { type: double, unit: share, title: { zh: 再次购买率, en: Would buy again }, description: Of those who answered. }
  factor_count: { type: bigint, unit: factors, title: { zh: 因素数, en: Factors }, description: Weighted factors that were answered. }
  boosted_count: { type: bigint, unit: factors, title: { zh: 加权因素数, en: Boosted factors }, description: Factors that count more. }
checks:
  - not_null: [period_from, period_to, respondent_type, brand, answer_count, factor_count, boosted_count]
  - expr: answer_count > 0 and boosted_count between 0 and factor_count
  - expr: round(index_score, 12) between 1 and 10 and round(index_unboosted_score, 12) between 1 and 10
    severity: warn
  - expr: nps_index between -1 and 1 and would_buy_again_rate between 0 and 1
  - expr: round(index_score, 12) = round(index_unboosted_score, 12)
    where: boosted_count = 0 or boosted_count = factor_count
    name: a_boost_of_none_or_all_changes_nothing
  - expr: (SELECT coalesce(sum(answer_count), 0) FROM satisfaction.index) = (SELECT count(*) FROM core.survey_answer WHERE is_first_factor AND period_to <= (SELECT max(period_to) FROM satisfaction.index))
    name: every_answer_of_an_ended_period_counts_once
--- */
WITH period_policy AS (
    -- the policy in force on the last day of the period
    SELECT
        period.period_to,
        max(CASE WHEN policy.key = 'satisfaction.index.boost_below_score' THEN policy.value END) AS boost_below_score,
        max(CASE WHEN policy.key = 'satisfaction.index.boost_factor' THEN policy.value END) AS boost_factor,
        max(CASE WHEN policy.key = 'satisfaction.index.promoter_from' THEN policy.value END) AS promoter_from,
        max(CASE WHEN policy.key = 'satisfaction.index.detractor_to' THEN policy.value END) AS detractor_to
    FROM (SELECT DISTINCT period_to FROM core.survey_period) AS period
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over four policies
        ON in_force(policy.valid_from, policy.valid_to, period.period_to)
    WHERE policy.key LIKE 'satisfaction.index.%'
    GROUP BY period.period_to
),

answered_brand AS (
    SELECT
        answer.period_from,
        answer.period_to,
        answer.respondent_type,
        answer.brand,
        count(*) AS answer_count,
        CAST(
            count(*) FILTER (WHERE answer.recommend_score >= policy.promoter_from)
            - count(*) FILTER (WHERE answer.recommend_score <= policy.detractor_to) AS DOUBLE
        ) / nullif(count(answer.recommend_score), 0) AS nps_index,
        CAST(count(*) FILTER (WHERE answer.would_buy_again) AS DOUBLE) / nullif(count(answer.would_buy_again), 0) AS would_buy_again_rate
    FROM core.survey_answer AS answer
    LEFT JOIN period_policy AS policy ON policy.period_to = answer.period_to
    WHERE answer.is_first_factor AND answer.period_to <= $run_date
    GROUP BY answer.period_from, answer.period_to, answer.respondent_type, answer.brand
),

factor_mean AS (
    SELECT
        period_from,
        period_to,
        respondent_type,
        brand,
        factor,
        exact_avg(score) AS factor_score
    FROM core.survey_answer
    WHERE period_to <= $run_date AND score IS NOT NULL
    GROUP BY period_from, period_to, respondent_type, brand, factor
),

weighted_factor AS (
    SELECT
        this.period_from,
        this.period_to,
        this.respondent_type,
        this.brand,
        this.factor_score,
        weight.weight,
        coalesce(round(prior.factor_score, 12) < policy.boost_below_score, false) AS is_boosted,
        policy.boost_factor
    FROM factor_mean AS this
    JOIN core.survey_period AS period
        ON period.respondent_type = this.respondent_type
        AND period.period_from = this.period_from
        AND period.period_to = this.period_to
    JOIN core.survey_weight AS weight
        ON weight.respondent_type = this.respondent_type
        AND weight.factor = this.factor
        AND in_force(weight.valid_from_date, weight.valid_to_date, this.period_to)
    LEFT JOIN factor_mean AS prior
        ON prior.period_from = period.prior_period_from
        AND prior.period_to = period.prior_period_to
        AND prior.respondent_type = this.respondent_type
        AND prior.brand = this.brand
        AND prior.factor = this.factor
    LEFT JOIN period_policy AS policy ON policy.period_to = this.period_to
),

indexed_brand AS (
    SELECT
        period_from,
        period_to,
        respondent_type,
        brand,
        exact_sum(CASE WHEN is_boosted THEN weight * boost_factor ELSE weight END * factor_score)
            / nullif(exact_sum(CASE WHEN is_boosted THEN weight * boost_factor ELSE weight END), 0) AS index_score,
        exact_sum(weight * factor_score) / nullif(exact_sum(weight), 0) AS index_unboosted_score,
        count(*) AS factor_count,
        count(*) FILTER (WHERE is_boosted) AS boosted_count
    FROM weighted_factor
    GROUP BY period_from, period_to, respondent_type, brand
)

SELECT
    answered.period_from,
    answered.period_to,
    answered.respondent_type,
    answered.brand,
    answered.answer_count,
    indexed.index_score,
    indexed.index_unboosted_score,
    answered.nps_index,
    answered.would_buy_again_rate,
    coalesce(indexed.factor_count, 0) AS factor_count,
    coalesce(indexed.boosted_count, 0) AS boosted_count
FROM answered_brand AS answered
LEFT JOIN indexed_brand AS indexed
    ON indexed.period_from = answered.period_from
    AND indexed.period_to = answered.period_to
    AND indexed.respondent_type = answered.respondent_type
    AND indexed.brand = answered.brand
