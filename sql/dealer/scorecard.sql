/* ---
description: >
  How each dealer performs, by quarter. A dealer has a row in each quarter in which it was active on some day, from the
  first one with a complete month on, or in which it has an order line or a complaint. It is scored where it was active
  or sold something: complaints about a dealer that is gone have a row and no score. `unknown` takes the facts of
  dealers that no reference names and is in no rank and no min-max. Revenue and its growth are sums, returns included;
  growth compares the complete months of the quarter (months_covered) with the same months a year before, all of which
  must be complete. Attainment is the quarter's revenue of the dealer's revenue target for that quarter, in a running
  quarter so far; targets of other periods are not split. Complaints are those received about the dealer, for each 100
  machines that it sold in the quarter, returns left out. Satisfaction is the mean overall score of the quarter's
  answers of end customers that name the dealer and rate an own brand, each answer once: what a dealer says itself is
  no measure of it. Credit grade as in the reference now. The discount stands against revenue before discount, the
  financed part against revenue, both over lines that are no returns; a line without payment terms is not financed. A
  dealer without activities had no training and no award. Tenure runs from the joining to the quarter's last day, or
  to the leaving, in whole months. The score weighs the components after min-max over the quarter's dealers,
  complaints and discount inverted; a component that is NULL is left out and the others share its weight.
owner: dealer-development
key: [quarter, dealer_code]
columns:
  quarter: { type: date, title: { zh: 季度, en: Quarter }, description: First day of the quarter. }
  dealer_code: { type: string, title: { zh: 经销商编码, en: Dealer code }, description: Member of core.dealer. }
  revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 收入, en: Revenue }, description: Net revenue of the quarter. }
  revenue_growth: { type: double, unit: ratio, title: { zh: 收入同比增长率, en: Revenue growth }, description: Complete months against the same a year before. }
  attainment_rate: { type: double, unit: ratio, title: { zh: 目标达成率, en: Attainment }, description: Revenue of the target. }
  complaints_per_100_units_rate: { type: double, unit: complaints per 100 units, title: { zh: 百台投诉率, en: Complaints per 100 units }, description: Complaints received for each 100 machines sold. }
  satisfaction_score: { type: double, unit: points 1..10, title: { zh: 满意度, en: Satisfaction }, description: Mean overall score of the end customers that name the dealer. }
  credit_grade: { type: string, title: { zh: 信用等级, en: Credit grade }, description: Credit grade A to D. }
  discount_rate: { type: double, unit: share, title: { zh: 折扣率, en: Discount rate }, description: Discount of the revenue before it. }
  financed_share: { type: double, unit: share, title: { zh: 融资销售占比, en: Financed share }, description: Revenue sold on credit or lease. }
  training_days: { type: bigint, unit: days, title: { zh: 培训天数, en: Training days }, description: Days of training in the quarter. }
  award_count: { type: bigint, unit: awards, title: { zh: 奖励数, en: Awards }, description: Awards in the quarter. }
  tenure_years: { type: double, unit: years, title: { zh: 合作年限, en: Tenure }, description: "From the joining, in whole months." }
  score: { type: double, unit: score 0..1, title: { zh: 综合得分, en: Score }, description: Weighted score of the components. }
  score_rank: { type: bigint, title: { zh: 得分排名, en: Score rank }, description: Rank by score within the quarter. }
  months_covered: { type: bigint, unit: months, title: { zh: 覆盖月数, en: Months covered }, description: Complete months of the quarter. }
  target_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 收入目标, en: Revenue target }, description: Target of the quarter. }
  units: { type: bigint, unit: units, title: { zh: 整机台数, en: Machine units }, description: "Machines sold, without returns." }
  complaint_count: { type: bigint, unit: complaints, title: { zh: 投诉数, en: Complaints }, description: Complaints received. }
  answer_count: { type: bigint, unit: answers, title: { zh: 答卷数, en: Answers }, description: Answers behind satisfaction_score. }
checks:
  - not_null: [quarter, dealer_code, revenue, training_days, award_count, months_covered, units, complaint_count, answer_count]
  - relationships: { column: dealer_code, to: core.dealer, field: dealer_code }
  - expr: months_covered between 0 and 3
  - expr: score between 0 and 1
  - expr: satisfaction_score between 1 and 10
    severity: warn
  - expr: discount_rate between 0 and 1 and financed_share between 0 and 1
    severity: warn
  - expr: (complaints_per_100_units_rate is null) = (units = 0) and (satisfaction_score is null) = (answer_count = 0)
    name: a_rate_for_every_denominator
  - expr: dealer_code <> 'unknown' or (score is null and score_rank is null)
    name: unknown_is_not_ranked
  - expr: (SELECT count(*) FROM (SELECT min(score_rank) AS first_rank FROM dealer.scorecard WHERE score_rank IS NOT NULL GROUP BY quarter) AS ranked_quarter WHERE first_rank <> 1) = 0
    name: every_ranked_quarter_has_a_first
  - expr: (score is null) = (score_rank is null)
  - expr: tenure_years >= 0
    severity: warn
  - expr: (SELECT coalesce(sum(revenue), 0) FROM dealer.scorecard) = (SELECT coalesce(sum(revenue), 0) FROM core.sales)
    name: no_revenue_is_lost
  - expr: (SELECT coalesce(sum(complaint_count), 0) FROM dealer.scorecard) = (SELECT count(*) FROM core.complaint)
    name: no_complaint_is_lost
--- */
WITH sold_month AS (
    SELECT
        order_month AS month,
        dealer,
        sum(revenue) AS revenue,
        sum(CASE WHEN NOT is_return THEN units ELSE 0 END) AS units,
        sum(CASE WHEN NOT is_return THEN revenue END) AS kept_revenue,
        sum(CASE WHEN NOT is_return AND is_financed THEN revenue END) AS financed_revenue,
        sum(CASE WHEN NOT is_return AND revenue IS NOT NULL THEN discount_amount END) AS discount_amount
    FROM core.sales
    GROUP BY order_month, dealer
),

sided_month AS (
    -- each month stands in its own quarter, and in that of a year later as the one before
    SELECT
        CAST(sold.month + CASE WHEN side.is_prior THEN INTERVAL '1 year' ELSE INTERVAL '0 years' END AS DATE) AS month,
        side.is_prior,
        sold.dealer,
        sold.revenue,
        sold.units,
        sold.kept_revenue,
        sold.financed_revenue,
        sold.discount_amount
    FROM sold_month AS sold
    CROSS JOIN (VALUES (false), (true)) AS side (is_prior)
),

complete_quarter AS (
    SELECT
        this.quarter,
        bool_or(this.order_t12m_month IS NOT NULL) AS is_listed,
        count(*) FILTER (WHERE this.is_order_complete) AS months_covered,
        count(*) FILTER (WHERE this.is_order_complete AND prior.is_order_complete) AS prior_months_covered
    FROM core.month AS this
    LEFT JOIN core.month AS prior ON prior.month = CAST(this.month - INTERVAL '1 year' AS DATE)
    GROUP BY this.quarter
),

dealer AS (
    -- one that left before it joined came back
    SELECT
        dealer_code,
        credit_grade,
        joined_date,
        CASE WHEN left_date >= joined_date THEN left_date END AS left_date
    FROM core.dealer
),

dealer_fact AS (
    SELECT
        CAST(date_trunc('quarter', sided.month) AS DATE) AS quarter,
        sided.dealer,
        NOT sided.is_prior AS is_peer,
        CASE WHEN NOT sided.is_prior THEN sided.revenue END AS revenue,
        CASE WHEN NOT sided.is_prior AND month.is_order_complete THEN sided.revenue END AS covered_revenue,
        CASE WHEN sided.is_prior AND month.is_order_complete THEN sided.revenue END AS prior_revenue,
        CASE WHEN NOT sided.is_prior THEN sided.units END AS units,
        CASE WHEN NOT sided.is_prior THEN sided.kept_revenue END AS kept_revenue,
        CASE WHEN NOT sided.is_prior THEN sided.financed_revenue END AS financed_revenue,
        CASE WHEN NOT sided.is_prior THEN sided.discount_amount END AS discount_amount
    FROM sided_month AS sided
    LEFT JOIN core.month AS month ON month.month = sided.month
    UNION ALL BY NAME
    SELECT CAST(date_trunc('quarter', month) AS DATE) AS quarter, dealer, false AS is_peer, 1 AS complaint_count
    FROM core.complaint
    UNION ALL BY NAME
    SELECT CAST(date_trunc('quarter', answered_date) AS DATE) AS quarter, dealer, false AS is_peer, overall_score
    FROM core.survey_answer
    WHERE is_first_factor AND is_own AND dealer_code IS NOT NULL AND respondent_type = 'end_customer'
    UNION ALL BY NAME
    SELECT
        quarter,
        dealer,
        false AS is_peer,
        CASE WHEN kind = 'training_days' THEN value END AS training_days,
        CASE WHEN kind = 'award' THEN value END AS award_count
    FROM core.dealer_activity
    UNION ALL BY NAME
    -- an active dealer has a row whatever it did
    SELECT quarter.quarter, dealer.dealer_code AS dealer, true AS is_peer
    FROM complete_quarter AS quarter
    CROSS JOIN dealer -- allow join-without-equality: every dealer is looked at for each of a few quarters
    WHERE quarter.is_listed
        AND dealer.joined_date < quarter.quarter + INTERVAL '3 months'
        AND (dealer.left_date IS NULL OR dealer.left_date > quarter.quarter)
),

dealer_quarter AS (
    SELECT
        quarter,
        dealer,
        bool_or(is_peer) AND dealer <> 'unknown' AS is_peer,
        CAST(coalesce(sum(revenue), 0) AS DECIMAL(18, 2)) AS revenue,
        coalesce(sum(covered_revenue), 0) AS covered_revenue,
        sum(prior_revenue) AS prior_revenue,
        CAST(coalesce(sum(units), 0) AS BIGINT) AS units,
        sum(kept_revenue) AS kept_revenue,
        coalesce(sum(financed_revenue), 0) AS financed_revenue,
        coalesce(sum(discount_amount), 0) AS discount_amount,
        CAST(coalesce(sum(complaint_count), 0) AS BIGINT) AS complaint_count,
        exact_avg(overall_score) AS satisfaction_score,
        count(overall_score) AS answer_count,
        CAST(round(coalesce(sum(training_days), 0)) AS BIGINT) AS training_days,
        CAST(round(coalesce(sum(award_count), 0)) AS BIGINT) AS award_count
    FROM dealer_fact
    GROUP BY quarter, dealer
    -- what a dealer sold a year before, was asked or was taught is no reason for a row
    HAVING bool_or(is_peer) OR count(complaint_count) > 0
),

dealer_target AS (
    SELECT period_from_date AS quarter, owner_member AS dealer, CAST(sum(target) AS DECIMAL(18, 2)) AS target_amount
    FROM core.target
    WHERE owner_kind = 'dealer' AND measure = 'revenue' AND is_quarter
    GROUP BY period_from_date, owner_member
),

measured_dealer AS (
    SELECT
        this.quarter,
        this.dealer,
        this.is_peer,
        this.revenue,
        CASE WHEN quarter.prior_months_covered = quarter.months_covered
            THEN CAST(this.covered_revenue AS DOUBLE) / nullif(CAST(this.prior_revenue AS DOUBLE), 0) - 1
        END AS revenue_growth,
        CAST(this.revenue AS DOUBLE) / nullif(CAST(target.target_amount AS DOUBLE), 0) AS attainment_rate,
        CAST(100 * this.complaint_count AS DOUBLE) / nullif(this.units, 0) AS complaints_per_100_units_rate,
        this.satisfaction_score,
        dealer.credit_grade,
        CAST(this.discount_amount AS DOUBLE) / nullif(CAST(this.kept_revenue + this.discount_amount AS DOUBLE), 0) AS discount_rate,
        CAST(this.financed_revenue AS DOUBLE) / nullif(CAST(this.kept_revenue AS DOUBLE), 0) AS financed_share,
        this.training_days,
        this.award_count,
        CAST(
            whole_months(
                dealer.joined_date,
                least(CAST(this.quarter + INTERVAL '3 months' - INTERVAL '1 day' AS DATE), dealer.left_date)
            ) AS DOUBLE
        ) / 12 AS tenure_years,
        coalesce(quarter.months_covered, 0) AS months_covered,
        target.target_amount,
        this.units,
        this.complaint_count,
        this.answer_count
    FROM dealer_quarter AS this
    LEFT JOIN complete_quarter AS quarter ON quarter.quarter = this.quarter
    LEFT JOIN dealer ON dealer.dealer_code = this.dealer
    LEFT JOIN dealer_target AS target ON target.quarter = this.quarter AND target.dealer = this.dealer
),

placed_dealer AS (
    -- domain.md, section 1, "Arithmetic": min-max over the dealers of the quarter, inverted where lower is better
    SELECT
        *,
        min_max_score(revenue_growth, min(revenue_growth) OVER peers, max(revenue_growth) OVER peers) AS growth_score,
        min_max_score(attainment_rate, min(attainment_rate) OVER peers, max(attainment_rate) OVER peers) AS attainment_score,
        1 - min_max_score(
            complaints_per_100_units_rate,
            min(complaints_per_100_units_rate) OVER peers,
            max(complaints_per_100_units_rate) OVER peers
        ) AS complaints_score,
        min_max_score(satisfaction_score, min(satisfaction_score) OVER peers, max(satisfaction_score) OVER peers) AS placed_satisfaction_score,
        1 - min_max_score(discount_rate, min(discount_rate) OVER peers, max(discount_rate) OVER peers) AS discount_score,
        min_max_score(
            CAST(training_days AS DOUBLE),
            CAST(min(training_days) OVER peers AS DOUBLE),
            CAST(max(training_days) OVER peers AS DOUBLE)
        ) AS training_score
    FROM measured_dealer
    WINDOW peers AS (PARTITION BY quarter, is_peer)
),

quarter_weight AS (
    -- the policy in force on the last day of the quarter
    SELECT
        quarter.quarter,
        max(CASE WHEN policy.key = 'dealer.scorecard.weight_revenue_growth' THEN policy.value END) AS growth_weight,
        max(CASE WHEN policy.key = 'dealer.scorecard.weight_attainment' THEN policy.value END) AS attainment_weight,
        max(CASE WHEN policy.key = 'dealer.scorecard.weight_complaints' THEN policy.value END) AS complaints_weight,
        max(CASE WHEN policy.key = 'dealer.scorecard.weight_satisfaction' THEN policy.value END) AS satisfaction_weight,
        max(CASE WHEN policy.key = 'dealer.scorecard.weight_discount' THEN policy.value END) AS discount_weight,
        max(CASE WHEN policy.key = 'dealer.scorecard.weight_training' THEN policy.value END) AS training_weight
    FROM complete_quarter AS quarter
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over six policies
        ON in_force(policy.valid_from, policy.valid_to, quarter.quarter + INTERVAL '3 months' - INTERVAL '1 day')
    WHERE policy.key LIKE 'dealer.scorecard.%'
    GROUP BY quarter.quarter
),

weighted_dealer AS (
    -- the weight of a component that is NULL is shared by the others; training is known of all
    SELECT
        placed.*,
        coalesce(weight.growth_weight * placed.growth_score, 0)
            + coalesce(weight.attainment_weight * placed.attainment_score, 0)
            + coalesce(weight.complaints_weight * placed.complaints_score, 0)
            + coalesce(weight.satisfaction_weight * placed.placed_satisfaction_score, 0)
            + coalesce(weight.discount_weight * placed.discount_score, 0)
            + weight.training_weight * placed.training_score AS weighted_score,
        CASE WHEN placed.growth_score IS NOT NULL THEN weight.growth_weight ELSE 0 END
            + CASE WHEN placed.attainment_score IS NOT NULL THEN weight.attainment_weight ELSE 0 END
            + CASE WHEN placed.complaints_score IS NOT NULL THEN weight.complaints_weight ELSE 0 END
            + CASE WHEN placed.placed_satisfaction_score IS NOT NULL THEN weight.satisfaction_weight ELSE 0 END
            + CASE WHEN placed.discount_score IS NOT NULL THEN weight.discount_weight ELSE 0 END
            + weight.training_weight AS present_weight
    FROM placed_dealer AS placed
    LEFT JOIN quarter_weight AS weight ON weight.quarter = placed.quarter
),

scored_dealer AS (
    SELECT *, CASE WHEN is_peer THEN weighted_score / nullif(present_weight, 0) END AS score
    FROM weighted_dealer
)

SELECT
    quarter,
    dealer AS dealer_code,
    revenue,
    revenue_growth,
    attainment_rate,
    complaints_per_100_units_rate,
    satisfaction_score,
    credit_grade,
    discount_rate,
    financed_share,
    training_days,
    award_count,
    tenure_years,
    score,
    CASE WHEN score IS NOT NULL
        THEN CAST(rank() OVER (PARTITION BY quarter ORDER BY round(score, 12) DESC NULLS LAST) AS BIGINT)
    END AS score_rank,
    months_covered,
    target_amount,
    units,
    complaint_count,
    answer_count
FROM scored_dealer
