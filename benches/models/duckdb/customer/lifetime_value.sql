-- domain.md, section 6: contribution x retention^t / (1 + discount)^t, summed over the years of policy.
WITH policy AS (
    SELECT
        max(value) FILTER (WHERE key = 'customer.lifetime_value.years') AS years,
        max(value) FILTER (WHERE key = 'customer.lifetime_value.discount_rate') AS discount_rate
    FROM core.policy
    WHERE valid_from <= getvariable('run_date') AND (valid_to IS NULL OR valid_to > getvariable('run_date'))
),
quarter AS (
    SELECT quarter
    FROM core.month
    GROUP BY quarter
    HAVING count(*) FILTER (WHERE is_order_complete) = 3
    ORDER BY quarter DESC
    LIMIT 4
),
kept AS (
    SELECT revenue_grade, product(1 - churn_rate) AS retention_rate
    FROM customer.retention
    WHERE quarter IN (SELECT quarter FROM quarter)
    GROUP BY revenue_grade
    HAVING count(churn_rate) = 4
),
factor AS (
    SELECT kept.revenue_grade, any_value(kept.retention_rate) AS retention_rate, sum((kept.retention_rate / (1 + policy.discount_rate)) ** year.t) AS years_factor
    FROM kept
    CROSS JOIN policy
    JOIN (SELECT unnest(range(1, 101)) AS t) AS year ON year.t <= policy.years
    GROUP BY kept.revenue_grade
)
SELECT
    customer.customer_id,
    round(profit.contribution::DOUBLE * factor.years_factor, 2)::DECIMAL(18, 2) AS lifetime_value_amount,
    profit.contribution,
    factor.retention_rate,
    grade.revenue_grade,
    factor.years_factor AS years_factor_ratio
FROM core.customer AS customer
LEFT JOIN customer.profit AS profit ON profit.customer_id = customer.customer_id
LEFT JOIN customer.revenue_grade AS grade ON grade.customer_id = customer.customer_id
LEFT JOIN factor ON factor.revenue_grade = grade.revenue_grade
