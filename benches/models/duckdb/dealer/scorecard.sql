-- domain.md, section 8: components by quarter and dealer, min-maxed within the quarter, weighted by policy.
WITH quarter AS (
    SELECT quarter, last_day((quarter + INTERVAL 2 MONTH)::DATE) AS last_date, count(*) FILTER (is_order_complete) AS months_covered
    FROM core.month GROUP BY quarter
),
first_quarter AS (
    SELECT min(quarter) AS quarter FROM core.month WHERE is_order_complete
),
sold AS (
    SELECT
        date_trunc('quarter', order_month)::DATE AS quarter, dealer AS dealer_code,
        sum(revenue) AS revenue,
        coalesce(sum(units) FILTER (NOT is_return), 0)::BIGINT AS units,
        sum(coalesce(discount_amount, 0)) FILTER (NOT is_return AND revenue IS NOT NULL) AS discount,
        sum(revenue) FILTER (NOT is_return) AS kept_revenue,
        coalesce(sum(revenue) FILTER (NOT is_return AND is_financed), 0) AS financed
    FROM core.sales GROUP BY ALL
),
now_month AS (
    SELECT month.quarter, month.month, (month.month - INTERVAL 1 YEAR)::DATE AS prior_month, prior.month IS NOT NULL AS has_prior
    FROM core.month AS month
    LEFT JOIN core.month AS prior ON prior.month = month.month - INTERVAL 1 YEAR AND prior.is_order_complete
    WHERE month.is_order_complete
),
comparable_quarter AS (
    SELECT quarter FROM now_month GROUP BY quarter HAVING bool_and(has_prior)
),
grown AS (
    SELECT quarter, dealer_code, sum(now_revenue)::DOUBLE / nullif(sum(prior_revenue), 0)::DOUBLE - 1 AS growth
    FROM (
        SELECT quarter, dealer AS dealer_code, coalesce(revenue, 0) AS now_revenue, 0 AS prior_revenue
        FROM core.sales JOIN now_month ON now_month.month = sales.order_month
        UNION ALL
        SELECT quarter, dealer, 0, coalesce(revenue, 0)
        FROM core.sales JOIN now_month ON now_month.prior_month = sales.order_month
    )
    WHERE quarter IN (SELECT quarter FROM comparable_quarter)
    GROUP BY quarter, dealer_code
),
aimed AS (
    SELECT period_from_date AS quarter, owner_member AS dealer_code, sum(target) AS target_amount
    FROM core.target
    WHERE owner_kind = 'dealer' AND measure = 'revenue'
        AND period_from_date = date_trunc('quarter', period_from_date) AND period_to_date = last_day((period_from_date + INTERVAL 2 MONTH)::DATE)
    GROUP BY ALL
),
complained AS (
    SELECT date_trunc('quarter', month)::DATE AS quarter, dealer AS dealer_code, count(*) AS complaint_count FROM core.complaint GROUP BY ALL
),
answered AS (
    SELECT date_trunc('quarter', answered_date)::DATE AS quarter, dealer AS dealer_code, avg(overall_score) AS score, count(overall_score) AS answer_count
    FROM core.survey_answer
    WHERE is_own AND is_first_factor AND dealer_code IS NOT NULL AND respondent_type = 'end_customer'
    GROUP BY ALL
),
trained AS (
    SELECT quarter, dealer AS dealer_code, sum(value) FILTER (kind = 'training_days') AS training_days, sum(value) FILTER (kind = 'award') AS award_count
    FROM core.dealer_activity GROUP BY ALL
),
active AS (
    SELECT quarter.quarter, dealer_code
    FROM quarter JOIN core.dealer ON joined_date <= last_date AND (left_date IS NULL OR left_date > quarter.quarter OR left_date < joined_date)
    WHERE dealer_code <> 'unknown' AND quarter.quarter >= (SELECT quarter FROM first_quarter)
),
shown AS (
    SELECT quarter, dealer_code, bool_or(counts) AS is_scored
    FROM (
        SELECT quarter, dealer_code, true AS counts FROM active
        UNION ALL SELECT quarter, dealer_code, true FROM sold
        UNION ALL SELECT quarter, dealer_code, false FROM complained
    )
    GROUP BY quarter, dealer_code
),
measured AS (
    SELECT
        shown.quarter, shown.dealer_code, last_date,
        CASE WHEN left_date >= joined_date THEN least(left_date, last_date) ELSE last_date END AS to_date,
        is_scored AND dealer_code <> 'unknown' AS is_scored,
        coalesce(sold.revenue, 0) AS revenue,
        growth AS revenue_growth,
        coalesce(sold.revenue, 0)::DOUBLE / nullif(target_amount, 0)::DOUBLE AS attainment_rate,
        100 * coalesce(complaint_count, 0) / nullif(units, 0)::DOUBLE AS complaints_per_100_units_rate,
        score AS satisfaction_score,
        dealer.credit_grade,
        discount::DOUBLE / nullif(kept_revenue + discount, 0)::DOUBLE AS discount_rate,
        financed::DOUBLE / nullif(kept_revenue, 0)::DOUBLE AS financed_share,
        round(coalesce(training_days, 0))::BIGINT AS training_days,
        round(coalesce(award_count, 0))::BIGINT AS award_count,
        CASE WHEN joined_date <= last_date
            THEN (date_diff('month', joined_date, to_date) - CASE WHEN day(to_date) < day(joined_date) THEN 1 ELSE 0 END) / 12 END AS tenure_years,
        months_covered, target_amount, coalesce(units, 0) AS units, coalesce(complaint_count, 0) AS complaint_count, coalesce(answer_count, 0) AS answer_count
    FROM shown
    LEFT JOIN quarter USING (quarter)
    LEFT JOIN core.dealer USING (dealer_code)
    LEFT JOIN sold USING (quarter, dealer_code)
    LEFT JOIN grown USING (quarter, dealer_code)
    LEFT JOIN aimed USING (quarter, dealer_code)
    LEFT JOIN complained USING (quarter, dealer_code)
    LEFT JOIN answered USING (quarter, dealer_code)
    LEFT JOIN trained USING (quarter, dealer_code)
),
component AS (
    UNPIVOT (
        SELECT quarter, dealer_code, last_date, revenue_growth, attainment_rate AS attainment, -complaints_per_100_units_rate AS complaints,
            satisfaction_score AS satisfaction, -discount_rate AS discount, training_days::DOUBLE AS training
        FROM measured WHERE is_scored
    )
    ON revenue_growth, attainment, complaints, satisfaction, discount, training INTO NAME component VALUE value
),
spanned AS (
    SELECT quarter, dealer_code, component, last_date, value,
        min(value) OVER (PARTITION BY quarter, component) AS low, max(value) OVER (PARTITION BY quarter, component) AS high
    FROM component
),
scored AS (
    SELECT quarter, dealer_code,
        sum(policy.value * CASE WHEN high = low THEN 0.5 ELSE (spanned.value - low) / (high - low) END) / sum(policy.value) AS score
    FROM spanned
    JOIN core.policy ON policy.key = 'dealer.scorecard.weight_' || component AND policy.valid_from <= last_date AND (policy.valid_to IS NULL OR last_date < policy.valid_to)
    GROUP BY quarter, dealer_code
)
SELECT
    measured.quarter, measured.dealer_code, revenue::DECIMAL(18, 2) AS revenue, revenue_growth, attainment_rate, complaints_per_100_units_rate, satisfaction_score, credit_grade,
    discount_rate, financed_share, training_days, award_count, tenure_years, score,
    CASE WHEN is_scored THEN rank() OVER (PARTITION BY measured.quarter, is_scored ORDER BY round(score, 12) DESC NULLS LAST) END AS score_rank,
    months_covered, target_amount::DECIMAL(18, 2) AS target_amount, units, complaint_count, answer_count
FROM measured LEFT JOIN scored USING (quarter, dealer_code)
