/* ---
description: >
  What a customer will leave in the coming years: its contribution of the trailing twelve months in each year, weighed
  by the chance that it is still there and discounted. The chance is that of its grade of today: 1 less the churn rate,
  multiplied over the last four complete quarters. Where one of the four has no churn rate for the grade, the value is
  not known. A negative contribution gives a negative value. Discounting keeps policy's rate for all years.
owner: customer-management
key: [customer_id]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  lifetime_value_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 客户终身价值, en: Lifetime value }, description: "Sum over the years; NULL where the retention is not known." }
  contribution: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 贡献, en: Contribution }, description: Contribution of the trailing twelve months. }
  retention_rate: { type: double, unit: share, title: { zh: 年保持率, en: Retention rate }, description: Of the customers of this grade that stay for a year. }
  revenue_grade: { type: string, title: { zh: 收入等级, en: Revenue grade }, description: "A, B or C." }
  years_factor_ratio: { type: double, unit: ratio, title: { zh: 价值系数, en: Factor }, description: What one unit of contribution is worth over the years. }
checks:
  - not_null: [customer_id, contribution, revenue_grade]
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
  - expr: retention_rate between 0 and 1 and years_factor_ratio >= 0
  - expr: (lifetime_value_amount is null) = (retention_rate is null)
  - expr: (lifetime_value_amount > 0) = (contribution > 0)
    where: abs(contribution) > 1 and retention_rate > 0.1
    name: the_value_has_the_sign_of_the_contribution
  - expr: (SELECT count(*) FROM customer.lifetime_value) = (SELECT count(*) FROM core.customer)
    name: every_customer_has_a_row
--- */
WITH complete_quarter AS (
    SELECT
        quarter,
        row_number() OVER (ORDER BY quarter DESC) AS quarters_ago
    FROM core.month
    WHERE is_order_complete
    GROUP BY quarter
    HAVING count(*) = 3
),

grade_retention AS (
    -- 1 - churn rate of each of the last four, multiplied; NULL where one of them has none
    SELECT
        retention.revenue_grade,
        max(CASE WHEN complete_quarter.quarters_ago = 1 THEN 1 - retention.churn_rate END)
            * max(CASE WHEN complete_quarter.quarters_ago = 2 THEN 1 - retention.churn_rate END)
            * max(CASE WHEN complete_quarter.quarters_ago = 3 THEN 1 - retention.churn_rate END)
            * max(CASE WHEN complete_quarter.quarters_ago = 4 THEN 1 - retention.churn_rate END) AS retention_rate
    FROM customer.retention AS retention
    JOIN complete_quarter ON complete_quarter.quarter = retention.quarter
    GROUP BY retention.revenue_grade
),

policy AS (
    -- the table has no period: the policy in force on run_date
    SELECT
        max(CASE WHEN key = 'customer.lifetime_value.years' THEN value END) AS years,
        max(CASE WHEN key = 'customer.lifetime_value.discount_rate' THEN value END) AS discount_rate
    FROM core.policy
    WHERE key LIKE 'customer.lifetime_value.%' AND in_force(valid_from, valid_to, $run_date)
),

coming_year AS (
    SELECT
        unnest(generate_series(CAST(1 AS BIGINT), CAST(years AS BIGINT))) AS year_number,
        discount_rate
    FROM policy
),

grade_factor AS (
    SELECT
        grade.revenue_grade,
        grade.retention_rate,
        exact_sum(power(grade.retention_rate / (1 + coming_year.discount_rate), coming_year.year_number)) AS years_factor
    FROM grade_retention AS grade
    CROSS JOIN coming_year
    GROUP BY grade.revenue_grade, grade.retention_rate
)

SELECT
    customer.customer_id,
    CAST(round(CAST(profit.contribution AS DOUBLE) * grade_factor.years_factor, 2) AS DECIMAL(18, 2)) AS lifetime_value_amount,
    profit.contribution,
    grade_factor.retention_rate,
    grade.revenue_grade,
    grade_factor.years_factor AS years_factor_ratio
FROM core.customer AS customer
LEFT JOIN customer.profit AS profit ON profit.customer_id = customer.customer_id
LEFT JOIN customer.revenue_grade AS grade ON grade.customer_id = customer.customer_id
LEFT JOIN grade_factor ON grade_factor.revenue_grade = grade.revenue_grade
