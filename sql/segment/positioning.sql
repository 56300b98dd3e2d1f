/* ---
description: >
  How end customers rate us, the strongest competitor and the benchmark on each factor, by region and product type, in
  the latest ended survey period of satisfaction.purchase_factor, whose rows these are. Scores are means over the
  answers of that region and product type that rate the brand; own brands are taken together, rivals are those of
  competitor.rival. The importance rank is the rank by stated importance there. The value proposition is the one that
  the reference has for the factor and the most frequent need class (segment.customer_need) among the customers that
  bought the product type in the region, or had an opportunity for it opened there, in the trailing 12 months by order
  lines; ties by name of the class. Without such a customer there is no proposition.
owner: market-research
key: [region, product_type, factor]
columns:
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  factor: { type: string, title: { zh: 因素, en: Factor }, description: Factor of satisfaction. }
  own_score: { type: double, unit: points 1..10, title: { zh: 自有得分, en: Own score }, description: Mean score of own brands. }
  competitor_score: { type: double, unit: points 1..10, title: { zh: 最强竞品得分, en: Competitor score }, description: Mean score of the strongest competitor. }
  benchmark_score: { type: double, unit: points 1..10, title: { zh: 标杆得分, en: Benchmark score }, description: Mean score of the benchmark. }
  importance_rank: { type: bigint, title: { zh: 重要度排名, en: Importance rank }, description: Rank by stated importance. }
  value_proposition: { type: string, title: { zh: 价值主张, en: Value proposition }, description: What we offer on the factor. }
  need_class: { type: string, title: { zh: 主要需求类型, en: Main need class }, description: Most frequent need class of the customers. }
  competitor_brand: { type: string, title: { zh: 最强竞品, en: Strongest competitor }, description: Brand of the strongest competitor. }
  benchmark_brand: { type: string, title: { zh: 标杆品牌, en: Benchmark }, description: Brand of the benchmark. }
  own_answer_count: { type: bigint, unit: answers, title: { zh: 自有答卷数, en: Own answers }, description: Answers that score own brands. }
  competitor_answer_count: { type: bigint, unit: answers, title: { zh: 竞品答卷数, en: Competitor answers }, description: Answers that score the strongest competitor. }
  benchmark_answer_count: { type: bigint, unit: answers, title: { zh: 标杆答卷数, en: Benchmark answers }, description: Answers that score the benchmark. }
checks:
  - not_null: [region, product_type, factor, own_answer_count, competitor_answer_count, benchmark_answer_count]
  - expr: own_score between 1 and 10 and competitor_score between 1 and 10 and benchmark_score between 1 and 10
    severity: warn
  - expr: (own_score is null) = (own_answer_count = 0)
  - expr: value_proposition is not null
    where: need_class is not null
    severity: warn
    name: every_need_has_a_proposition
  - expr: (select count(*) from segment.positioning) = (select count(*) from satisfaction.purchase_factor)
    name: every_factor_has_a_row
--- */
WITH scored_answer AS (
    SELECT
        answer.region,
        answer.product_type,
        answer.factor,
        answer.score,
        answer.is_own,
        coalesce(answer.brand = strongest.rival_brand, false) AS is_strongest,
        coalesce(answer.brand = benchmark.rival_brand, false) AS is_benchmark
    FROM core.survey_answer AS answer
    JOIN satisfaction.purchase_factor AS factor
        ON factor.region = answer.region
        AND factor.product_type = answer.product_type
        AND factor.factor = answer.factor
        AND factor.period_from = answer.period_from
        AND factor.period_to = answer.period_to
    LEFT JOIN competitor.rival AS strongest
        ON strongest.region = answer.region
        AND strongest.product_type = answer.product_type
        AND strongest.rival_kind = 'strongest'
    LEFT JOIN competitor.rival AS benchmark
        ON benchmark.region = answer.region
        AND benchmark.product_type = answer.product_type
        AND benchmark.rival_kind = 'benchmark'
    WHERE answer.respondent_type = 'end_customer' AND answer.score IS NOT NULL
),

factor_score AS (
    SELECT
        region,
        product_type,
        factor,
        exact_avg(CASE WHEN is_own THEN score END) AS own_score,
        exact_avg(CASE WHEN is_strongest THEN score END) AS competitor_score,
        exact_avg(CASE WHEN is_benchmark THEN score END) AS benchmark_score,
        count(CASE WHEN is_own THEN score END) AS own_answer_count,
        count(CASE WHEN is_strongest THEN score END) AS competitor_answer_count,
        count(CASE WHEN is_benchmark THEN score END) AS benchmark_answer_count
    FROM scored_answer
    GROUP BY region, product_type, factor
),

trailing_month AS (
    SELECT unnest(generate_series(order_t12m_from, order_month, INTERVAL '1 month')) AS month
    FROM core.latest_period
),

present_customer AS (
    -- customers that bought or may buy there, each once
    SELECT line.region, line.product_type, line.customer_id
    FROM core.sales AS line
    JOIN trailing_month ON trailing_month.month = line.order_month
    WHERE NOT line.is_return
    UNION
    SELECT opportunity.region, opportunity.product_type, opportunity.customer_id
    FROM core.opportunity AS opportunity
    JOIN trailing_month ON trailing_month.month = CAST(date_trunc('month', opportunity.opened_date) AS DATE)
),

need_count AS (
    SELECT present.region, present.product_type, need.need_class, count(*) AS customer_count
    FROM present_customer AS present
    JOIN segment.customer_need AS need ON need.customer_id = present.customer_id
    GROUP BY present.region, present.product_type, need.need_class
),

ranked_need AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY region, product_type ORDER BY customer_count DESC, need_class) AS place
    FROM need_count
)

SELECT
    factor.region,
    factor.product_type,
    factor.factor,
    score.own_score,
    score.competitor_score,
    score.benchmark_score,
    factor.stated_rank AS importance_rank,
    proposition.value_proposition,
    need.need_class,
    strongest.rival_brand AS competitor_brand,
    benchmark.rival_brand AS benchmark_brand,
    coalesce(score.own_answer_count, 0) AS own_answer_count,
    coalesce(score.competitor_answer_count, 0) AS competitor_answer_count,
    coalesce(score.benchmark_answer_count, 0) AS benchmark_answer_count
FROM satisfaction.purchase_factor AS factor
LEFT JOIN factor_score AS score
    ON score.region = factor.region
    AND score.product_type = factor.product_type
    AND score.factor = factor.factor
LEFT JOIN ranked_need AS need
    ON need.region = factor.region
    AND need.product_type = factor.product_type
    AND need.place = 1
LEFT JOIN staged.value_proposition AS proposition
    ON proposition.need_class = need.need_class
    AND proposition.factor = factor.factor
LEFT JOIN competitor.rival AS strongest
    ON strongest.region = factor.region
    AND strongest.product_type = factor.product_type
    AND strongest.rival_kind = 'strongest'
LEFT JOIN competitor.rival AS benchmark
    ON benchmark.region = factor.region
    AND benchmark.product_type = factor.product_type
    AND benchmark.rival_kind = 'benchmark'
