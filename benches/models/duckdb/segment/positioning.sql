-- domain.md, section 4: scores of us, the strongest competitor and the benchmark on each factor of satisfaction.purchase_factor.
WITH factor AS (
    SELECT region, product_type, factor, stated_rank AS importance_rank, period_from, period_to FROM satisfaction.purchase_factor
),
period AS (
    SELECT DISTINCT period_from, period_to FROM factor
),
answer AS (
    SELECT region, product_type, factor, brand, is_own, count(score) AS answers, sum(score) AS total
    FROM core.survey_answer JOIN period USING (period_from, period_to)
    WHERE respondent_type = 'end_customer'
    GROUP BY ALL
),
own AS (
    SELECT region, product_type, factor, sum(total) / nullif(sum(answers), 0) AS score, sum(answers)::BIGINT AS answers FROM answer WHERE is_own GROUP BY ALL
),
rival AS (
    SELECT region, product_type, factor, rival_kind, total / nullif(answers, 0) AS score, answers
    FROM answer JOIN competitor.rival USING (region, product_type)
    WHERE brand = rival_brand
),
named AS (
    SELECT region, product_type, max(rival_brand) FILTER (rival_kind = 'strongest') AS competitor_brand, max(rival_brand) FILTER (rival_kind = 'benchmark') AS benchmark_brand
    FROM competitor.rival
    GROUP BY ALL
),
months AS (
    SELECT order_t12m_from AS first_date, last_day(order_month) AS last_date FROM core.latest_period
),
met AS (
    SELECT region, product_type, customer_id FROM core.sales JOIN months ON order_date BETWEEN first_date AND last_date WHERE NOT is_return
    UNION
    SELECT region, product_type, customer_id FROM core.opportunity JOIN months ON opened_date BETWEEN first_date AND last_date
),
need AS (
    SELECT region, product_type, need_class
    FROM met JOIN segment.customer_need USING (customer_id)
    GROUP BY region, product_type, need_class
    QUALIFY row_number() OVER (PARTITION BY region, product_type ORDER BY count(*) DESC, need_class) = 1
)
SELECT region, product_type, factor, own.score AS own_score, strongest.score AS competitor_score, benchmark.score AS benchmark_score, importance_rank,
    value_proposition, need_class, competitor_brand, benchmark_brand, coalesce(own.answers, 0) AS own_answer_count,
    coalesce(strongest.answers, 0) AS competitor_answer_count, coalesce(benchmark.answers, 0) AS benchmark_answer_count
FROM factor
LEFT JOIN own USING (region, product_type, factor)
LEFT JOIN (FROM rival WHERE rival_kind = 'strongest') AS strongest USING (region, product_type, factor)
LEFT JOIN (FROM rival WHERE rival_kind = 'benchmark') AS benchmark USING (region, product_type, factor)
LEFT JOIN named USING (region, product_type)
LEFT JOIN need USING (region, product_type)
LEFT JOIN staged.value_proposition USING (need_class, factor)
