/* ---
description: >
  How our brands are rated against the rival, by respondent type and factor. Answers are those of the respondent type's
  latest period that ended on or before run_date. Own: all answers about own brands. Rival: the answers about the rival
  of the answer's own region and product type, which is the strongest competitor there, or the product type's
  benchmark (competitor.rival). The two are taken for independent samples: the standard error is the root of the sum of
  variance over number of both, NULL with fewer than two answers on a side. n counts the scores of both sides. A gap
  is ours less theirs; it is significant when it is larger than so many standard errors as the policy says. The priority
  is the mean importance that the respondents of the type state for the factor, over all brands, times what we lag
  behind, 0 where we do not. Types that rate no rival have no gap.
owner: quality
key: [respondent_type, factor, rival_kind]
columns:
  respondent_type: { type: string, title: { zh: 对象, en: Respondent type }, description: "dealer, end_customer or complainant." }
  factor: { type: string, title: { zh: 因素, en: Factor }, description: Factor of satisfaction. }
  rival_kind: { type: string, title: { zh: 对手类别, en: Kind of rival }, description: "strongest or benchmark." }
  own_score: { type: double, unit: points 1..10, title: { zh: 自有评分, en: Own score }, description: Mean score of own brands. }
  rival_score: { type: double, unit: points 1..10, title: { zh: 对手评分, en: Rival score }, description: Mean score of the rivals. }
  gap_score: { type: double, unit: points, title: { zh: 评分差距, en: Gap }, description: Own score less rival score. }
  n: { type: bigint, unit: answers, title: { zh: 样本数, en: Answers }, description: Scores of both sides. }
  standard_error: { type: double, unit: points, title: { zh: 标准误, en: Standard error }, description: Of the gap. }
  is_significant: { type: boolean, title: { zh: 是否显著, en: Is significant }, description: "The gap is no chance; NULL where it cannot be told." }
  priority_score: { type: double, unit: points, title: { zh: 改进优先级, en: Priority }, description: Stated importance times what we lag behind. }
  own_count: { type: bigint, unit: answers, title: { zh: 自有样本数, en: Own answers }, description: Scores of own brands. }
  rival_count: { type: bigint, unit: answers, title: { zh: 对手样本数, en: Rival answers }, description: Scores of rivals. }
  stated_importance: { type: double, unit: points 1..10, title: { zh: 陈述重要度, en: Stated importance }, description: Mean importance over all brands. }
  period_from: { type: date, title: { zh: 调查期起, en: Period from }, description: First day of the survey period. }
  period_to: { type: date, title: { zh: 调查期止, en: Period to }, description: Last day of the survey period. }
checks:
  - not_null: [respondent_type, factor, rival_kind, n, own_count, rival_count, period_from, period_to]
  - accepted_values: { column: rival_kind, values: [strongest, benchmark] }
  - expr: n = own_count + rival_count
  - expr: own_score between 1 and 10 and rival_score between 1 and 10
    severity: warn
  - expr: (gap_score is null) = (own_count = 0 or rival_count = 0)
  - expr: (standard_error is null) = (own_count < 2 or rival_count < 2) and (is_significant is null) = (standard_error is null)
    name: two_answers_on_each_side_make_an_error
  - expr: priority_score >= 0 and (priority_score = 0 or gap_score < 0)
    name: only_what_lags_has_priority
  - expr: (SELECT count(*) FROM (SELECT respondent_type, factor FROM satisfaction.gap GROUP BY respondent_type, factor HAVING count(*) <> 2) AS odd_factor) = 0
    name: both_rivals_for_every_factor
--- */
WITH latest_period AS (
    SELECT respondent_type, period_from, period_to
    FROM (
        SELECT
            respondent_type,
            period_from,
            period_to,
            row_number() OVER (PARTITION BY respondent_type ORDER BY period_to DESC, period_from DESC) AS place
        FROM core.survey_period
        WHERE period_to <= $run_date
    ) AS ended_period
    WHERE place = 1
),

strongest_rival AS (
    SELECT region, product_type, rival_brand
    FROM competitor.rival
    WHERE rival_kind = 'strongest' AND rival_brand <> 'unknown'
),

benchmark_rival AS (
    -- the benchmark is flagged for the product type, whatever the region
    SELECT DISTINCT product_type, rival_brand
    FROM competitor.rival
    WHERE rival_kind = 'benchmark' AND rival_brand <> 'unknown'
),

deviate_policy AS (
    SELECT max(value) AS significant_deviates
    FROM core.policy
    WHERE key = 'satisfaction.gap.significance_deviates'
        AND in_force(valid_from, valid_to, $run_date)
),

sided_answer AS (
    SELECT
        answer.respondent_type,
        answer.factor,
        kind.rival_kind,
        answer.period_from,
        answer.period_to,
        answer.importance,
        CASE WHEN answer.is_own THEN answer.score END AS own_score,
        CASE
            WHEN answer.is_own THEN NULL
            WHEN kind.rival_kind = 'strongest' AND answer.brand = strongest.rival_brand THEN answer.score
            WHEN kind.rival_kind = 'benchmark' AND answer.brand = benchmark.rival_brand THEN answer.score
        END AS rival_score
    FROM core.survey_answer AS answer
    JOIN latest_period
        ON latest_period.respondent_type = answer.respondent_type
        AND latest_period.period_from = answer.period_from
        AND latest_period.period_to = answer.period_to
    LEFT JOIN strongest_rival AS strongest
        ON strongest.region = answer.region
        AND strongest.product_type = answer.product_type
    LEFT JOIN benchmark_rival AS benchmark ON benchmark.product_type = answer.product_type
    CROSS JOIN (VALUES ('strongest'), ('benchmark')) AS kind (rival_kind)
),

compared_factor AS (
    SELECT
        respondent_type,
        factor,
        rival_kind,
        period_from,
        period_to,
        exact_avg(own_score) AS own_score,
        exact_avg(rival_score) AS rival_score,
        exact_stddev(own_score) AS own_deviation,
        exact_stddev(rival_score) AS rival_deviation,
        count(own_score) AS own_count,
        count(rival_score) AS rival_count,
        exact_avg(importance) AS stated_importance
    FROM sided_answer
    GROUP BY respondent_type, factor, rival_kind, period_from, period_to
),

measured_gap AS (
    SELECT
        *,
        own_score - rival_score AS gap_score,
        sqrt(own_deviation * own_deviation / own_count + rival_deviation * rival_deviation / rival_count) AS standard_error
    FROM compared_factor
)

SELECT
    gap.respondent_type,
    gap.factor,
    gap.rival_kind,
    gap.own_score,
    gap.rival_score,
    gap.gap_score,
    gap.own_count + gap.rival_count AS n,
    gap.standard_error,
    round(abs(gap.gap_score), 12) > round(policy.significant_deviates * gap.standard_error, 12) AS is_significant,
    gap.stated_importance * CASE WHEN gap.gap_score >= 0 THEN 0 ELSE -gap.gap_score END AS priority_score,
    gap.own_count,
    gap.rival_count,
    gap.stated_importance,
    gap.period_from,
    gap.period_to
FROM measured_gap AS gap
CROSS JOIN deviate_policy AS policy
