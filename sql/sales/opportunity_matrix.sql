/* ---
description: >
  What to do with each open opportunity: its expected amount and its probability against the medians of all open ones
  that have one, at or above which it is large or likely. What has no amount is neither large nor small, what has no
  probability neither likely nor unlikely (NULL): no other cell holds it, so it is shelved.
owner: sales-operations
key: [opportunity_id]
columns:
  opportunity_id: { type: string, title: { zh: 商机号, en: Opportunity }, description: Number of the opportunity. }
  expected_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 预计金额, en: Expected amount }, description: Revenue hoped for. }
  probability: { type: double, unit: share, title: { zh: 成功概率, en: Probability }, description: Probability of winning. }
  is_large: { type: boolean, title: { zh: 是否大额, en: Is large }, description: The amount is at least the median. }
  is_likely: { type: boolean, title: { zh: 是否高概率, en: Is likely }, description: The probability is at least the median. }
  advice: { type: string, title: { zh: 行动建议, en: Advice }, description: "act_now 马上行动, plan 计划出击, opportunistic 伺机而动 or shelve 搁置." }
  median_expected_amount: { type: double, unit: reporting currency, title: { zh: 预计金额中位数, en: Median amount }, description: Median of the open opportunities. }
  median_probability: { type: double, unit: share, title: { zh: 成功概率中位数, en: Median probability }, description: Median of the open opportunities. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer of the account. }
  account_id: { type: string, title: { zh: 客户号, en: Account }, description: Account. }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  stage: { type: string, title: { zh: 阶段, en: Stage }, description: Furthest stage reached. }
  salesperson: { type: string, title: { zh: 销售员, en: Salesperson }, description: Seller. }
checks:
  - not_null: [opportunity_id, advice, customer_id, region, product_type]
  - accepted_values: { column: advice, values: [act_now, plan, opportunistic, shelve] }
  - expr: advice = 'shelve'
    where: expected_amount is null or probability is null
    name: what_is_not_known_is_shelved
  - expr: (SELECT count(*) FROM sales.opportunity_matrix) = (SELECT count(*) FROM core.opportunity WHERE status = 'open')
    name: every_open_opportunity_is_here
--- */
WITH open_opportunity AS (
    SELECT
        opportunity_id,
        customer_id,
        account_id,
        region,
        product_type,
        stage,
        salesperson,
        expected_amount,
        probability
    FROM core.opportunity
    WHERE status = 'open'
),

median AS (
    SELECT
        exact_quantile(CAST(expected_amount AS DOUBLE), 0.5) AS expected_amount,
        exact_quantile(probability, 0.5) AS probability
    FROM open_opportunity
),

judged_opportunity AS (
    SELECT
        opportunity.*,
        round(CAST(opportunity.expected_amount AS DOUBLE), 12) >= round(median.expected_amount, 12) AS is_large,
        round(opportunity.probability, 12) >= round(median.probability, 12) AS is_likely,
        median.expected_amount AS median_expected_amount,
        median.probability AS median_probability
    FROM open_opportunity AS opportunity
    CROSS JOIN median -- allow join-without-equality: one row
)

SELECT
    opportunity_id,
    expected_amount,
    probability,
    is_large,
    is_likely,
    CASE
        WHEN is_large AND is_likely THEN 'act_now'
        WHEN is_large AND NOT is_likely THEN 'plan'
        WHEN NOT is_large AND is_likely THEN 'opportunistic'
        -- domain.md, section 7: all else, also what lacks an amount or a probability
        ELSE 'shelve'
    END AS advice,
    median_expected_amount,
    median_probability,
    customer_id,
    account_id,
    region,
    product_type,
    stage,
    salesperson
FROM judged_opportunity
