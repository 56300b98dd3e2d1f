/* ---
description: >
  How each account manager did in a quarter. A line, or an answer, belongs to whoever was the manager of its customer on
  that day (core.customer_manager); what has no manager is the manager `unknown`, who is in the sums but has no score
  and no rank, and is in no min-max. attainment_rate is the revenue, returns included, of the target that is set for
  exactly this quarter; in the running quarter the revenue so far of the whole target. sales_share is the part of all
  revenue of the quarter, over lines that are no returns. satisfaction_score is the mean overall score that end
  customers gave our brands in the quarter, one answer for each survey, respondent and brand. loyal_share and
  key_account_churn_rate look at the customers held at the end of the quarter (sales.held_customer): how many of them
  are loyal, and how many of those with grade A are lost. score weighs these five, each min-maxed over the managers of
  the quarter (churn the other way round; all equal is 0.5), by the policy at the end of the quarter; what is NULL is
  left out and the weights are renormalized. A manager has a row for each quarter, from the first with order lines on,
  with a customer held, a line, a target or an answer.
owner: sales-operations
key: [quarter, manager]
partition_by: [quarter]
columns:
  quarter: { type: date, title: { zh: 季度, en: Quarter }, description: First day of the quarter. }
  manager: { type: string, title: { zh: 客户经理, en: Manager }, description: "Account manager, `unknown` for what belongs to none." }
  attainment_rate: { type: double, unit: rate, title: { zh: 目标完成率, en: Attainment }, description: Revenue of the target. }
  sales_share: { type: double, unit: share, title: { zh: 销售占比, en: Share of sales }, description: Part of all revenue of the quarter. }
  satisfaction_score: { type: double, unit: points, title: { zh: 满意度, en: Satisfaction }, description: "Mean overall score, 1 to 10." }
  loyal_share: { type: double, unit: share, title: { zh: 忠诚客户占比, en: Loyal share }, description: Loyal customers of those held. }
  key_account_churn_rate: { type: double, unit: rate, title: { zh: 大客户流失率, en: Key account churn }, description: Lost customers of those held with grade A. }
  score: { type: double, unit: score, title: { zh: 综合得分, en: Score }, description: Weighted score from 0 to 1. }
  rank: { type: bigint, title: { zh: 排名, en: Rank }, description: Rank by score within the quarter. }
  revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 收入, en: Revenue }, description: "Revenue of the quarter, returns included; NULL where no line could be converted." }
  target_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 目标, en: Target }, description: Target for revenue in the quarter. }
  customer_count: { type: bigint, unit: customers, title: { zh: 客户数, en: Customers }, description: Customers held at the end of the quarter. }
  key_account_count: { type: bigint, unit: customers, title: { zh: 大客户数, en: Key accounts }, description: Those with grade A. }
  answer_count: { type: bigint, unit: answers, title: { zh: 答卷数, en: Answers }, description: Answers behind satisfaction_score. }
checks:
  - not_null: [quarter, manager, customer_count, key_account_count, answer_count]
  - expr: score between 0 and 1
  - expr: (score is null) = (rank is null)
  - expr: score is null
    where: manager = 'unknown'
    name: unknown_is_not_ranked
  - expr: loyal_share between 0 and 1 and key_account_churn_rate between 0 and 1
  - expr: (loyal_share is null) = (customer_count = 0) and (key_account_churn_rate is null) = (key_account_count = 0)
  - expr: (SELECT coalesce(sum(revenue), 0) FROM sales.manager_scorecard) = (SELECT coalesce(sum(revenue), 0) FROM core.sales)
    name: no_revenue_is_lost
  - expr: (SELECT count(*) FROM (SELECT sum(sales_share) AS share FROM sales.manager_scorecard GROUP BY quarter) AS whole WHERE abs(share - 1) > 1e-9) = 0
    name: shares_make_the_whole
--- */
WITH sold AS (
    SELECT
        CAST(date_trunc('quarter', line.order_month) AS DATE) AS quarter,
        coalesce(span.manager, 'unknown') AS manager,
        sum(line.revenue) AS revenue,
        sum(CASE WHEN NOT line.is_return THEN line.revenue END) AS sold_revenue
    FROM core.sales AS line
    LEFT JOIN core.customer_manager AS span
        ON span.customer_id = line.customer_id
        AND in_force(span.valid_from, span.valid_to, line.order_date)
    GROUP BY date_trunc('quarter', line.order_month), coalesce(span.manager, 'unknown')
),

answered AS (
    SELECT
        CAST(date_trunc('quarter', answer.answered_date) AS DATE) AS quarter,
        coalesce(span.manager, 'unknown') AS manager,
        exact_avg(answer.overall_score) AS satisfaction_score,
        count(answer.overall_score) AS answer_count
    FROM core.survey_answer AS answer -- allow partition-column-unused: a quarter may have answers of several surveys
    LEFT JOIN core.customer_manager AS span
        ON span.customer_id = answer.customer_id
        AND in_force(span.valid_from, span.valid_to, answer.answered_date)
    WHERE answer.is_own AND answer.is_first_factor AND answer.respondent_type = 'end_customer'
    GROUP BY date_trunc('quarter', answer.answered_date), coalesce(span.manager, 'unknown')
),

held AS (
    SELECT
        quarter,
        manager,
        count(*) AS customer_count,
        count(*) FILTER (WHERE is_loyal) AS loyal_count,
        count(*) FILTER (WHERE revenue_grade = 'A') AS key_account_count,
        count(*) FILTER (WHERE revenue_grade = 'A' AND is_lost) AS lost_key_account_count
    FROM sales.held_customer
    GROUP BY quarter, manager
),

agreed AS (
    SELECT period_from_date AS quarter, owner_member AS manager, target AS target_amount
    FROM core.target
    WHERE owner_kind = 'manager' AND measure = 'revenue' AND is_quarter
),

ordered_quarter AS (
    SELECT quarter FROM core.month WHERE order_t12m_month IS NOT NULL
    UNION
    SELECT quarter FROM sold
),

listed_manager AS (
    SELECT listed.quarter, listed.manager
    FROM (
        SELECT quarter, manager FROM sold
        UNION
        SELECT quarter, manager FROM answered
        UNION
        SELECT quarter, manager FROM held
        UNION
        SELECT quarter, manager FROM agreed
    ) AS listed
    JOIN ordered_quarter ON ordered_quarter.quarter = listed.quarter
),

measured_manager AS (
    SELECT
        listed.quarter,
        listed.manager,
        CAST(CASE WHEN sold.manager IS NULL THEN 0 ELSE sold.revenue END AS DOUBLE)
            / nullif(CAST(agreed.target_amount AS DOUBLE), 0) AS attainment_rate,
        CAST(coalesce(sold.sold_revenue, 0) AS DOUBLE)
            / nullif(CAST(sum(sold.sold_revenue) OVER (PARTITION BY listed.quarter) AS DOUBLE), 0) AS sales_share,
        answered.satisfaction_score,
        CAST(held.loyal_count AS DOUBLE) / nullif(held.customer_count, 0) AS loyal_share,
        CAST(held.lost_key_account_count AS DOUBLE) / nullif(held.key_account_count, 0) AS key_account_churn_rate,
        -- who sold nothing has no revenue, who sold what could not be converted an unknown one
        CASE WHEN sold.manager IS NULL THEN 0 ELSE sold.revenue END AS revenue,
        agreed.target_amount,
        coalesce(held.customer_count, 0) AS customer_count,
        coalesce(held.key_account_count, 0) AS key_account_count,
        coalesce(answered.answer_count, 0) AS answer_count
    FROM listed_manager AS listed
    LEFT JOIN sold ON sold.quarter = listed.quarter AND sold.manager = listed.manager
    LEFT JOIN answered ON answered.quarter = listed.quarter AND answered.manager = listed.manager
    LEFT JOIN held ON held.quarter = listed.quarter AND held.manager = listed.manager
    LEFT JOIN agreed ON agreed.quarter = listed.quarter AND agreed.manager = listed.manager
),

quarter_policy AS (
    SELECT
        ordered.quarter,
        max(CASE WHEN policy.key = 'sales.manager_scorecard.weight_attainment' THEN policy.value END) AS attainment_weight,
        max(CASE WHEN policy.key = 'sales.manager_scorecard.weight_sales_share' THEN policy.value END) AS sales_share_weight,
        max(CASE WHEN policy.key = 'sales.manager_scorecard.weight_satisfaction' THEN policy.value END) AS satisfaction_weight,
        max(CASE WHEN policy.key = 'sales.manager_scorecard.weight_loyal_share' THEN policy.value END) AS loyal_share_weight,
        max(CASE WHEN policy.key = 'sales.manager_scorecard.weight_churn' THEN policy.value END) AS churn_weight
    FROM ordered_quarter AS ordered
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over five policies
        ON in_force(policy.valid_from, policy.valid_to, ordered.quarter + INTERVAL '3 months' - INTERVAL '1 day')
    WHERE policy.key LIKE 'sales.manager_scorecard.%'
    GROUP BY ordered.quarter
),

placed_manager AS (
    -- domain.md, section 1, "Arithmetic": min-max over the managers of the quarter, inverted where lower is better
    SELECT
        *,
        min_max_score(attainment_rate, min(attainment_rate) OVER peers, max(attainment_rate) OVER peers) AS attainment_score,
        min_max_score(sales_share, min(sales_share) OVER peers, max(sales_share) OVER peers) AS sales_share_score,
        min_max_score(satisfaction_score, min(satisfaction_score) OVER peers, max(satisfaction_score) OVER peers) AS placed_satisfaction_score,
        min_max_score(loyal_share, min(loyal_share) OVER peers, max(loyal_share) OVER peers) AS loyal_share_score,
        1 - min_max_score(
            key_account_churn_rate,
            min(key_account_churn_rate) OVER peers,
            max(key_account_churn_rate) OVER peers
        ) AS churn_score
    FROM measured_manager
    WINDOW peers AS (PARTITION BY quarter, manager = 'unknown')
),

weighted_manager AS (
    -- the weight of a component that is NULL is shared by the others
    SELECT
        placed.*,
        coalesce(policy.attainment_weight * placed.attainment_score, 0)
            + coalesce(policy.sales_share_weight * placed.sales_share_score, 0)
            + coalesce(policy.satisfaction_weight * placed.placed_satisfaction_score, 0)
            + coalesce(policy.loyal_share_weight * placed.loyal_share_score, 0)
            + coalesce(policy.churn_weight * placed.churn_score, 0) AS weighted_score,
        CASE WHEN placed.attainment_score IS NOT NULL THEN policy.attainment_weight ELSE 0 END
            + CASE WHEN placed.sales_share_score IS NOT NULL THEN policy.sales_share_weight ELSE 0 END
            + CASE WHEN placed.placed_satisfaction_score IS NOT NULL THEN policy.satisfaction_weight ELSE 0 END
            + CASE WHEN placed.loyal_share_score IS NOT NULL THEN policy.loyal_share_weight ELSE 0 END
            + CASE WHEN placed.churn_score IS NOT NULL THEN policy.churn_weight ELSE 0 END AS present_weight
    FROM placed_manager AS placed
    LEFT JOIN quarter_policy AS policy ON policy.quarter = placed.quarter
),

scored_manager AS (
    SELECT *, CASE WHEN manager <> 'unknown' THEN weighted_score / nullif(present_weight, 0) END AS score
    FROM weighted_manager
)

SELECT
    quarter,
    manager,
    attainment_rate,
    sales_share,
    satisfaction_score,
    loyal_share,
    key_account_churn_rate,
    score,
    CASE WHEN score IS NOT NULL
        THEN CAST(rank() OVER (PARTITION BY quarter ORDER BY round(score, 12) DESC NULLS LAST) AS BIGINT)
    END AS rank,
    CAST(revenue AS DECIMAL(18, 2)) AS revenue,
    target_amount,
    customer_count,
    key_account_count,
    answer_count
FROM scored_manager
