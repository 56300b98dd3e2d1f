/* ---
description: >
  Sales by working condition and product type. Units, revenue and margin are those of all lines of the year up to
  run_date, returns included; growth compares the complete months of the year (a month with an order line that ended
  by run_date) with the same months a year before, and is NULL where one of those has no order line at all. Lines
  whose currency has no rate are in no amount, lines without a unit cost in no margin: margin is that of the lines
  whose cost is known.
owner: sales-operations
key: [year, working_condition, product_type]
partition_by: [year]
tags: [annual]
columns:
  year: { type: int, title: { zh: 年份, en: Year }, description: Year of the order. }
  working_condition: { type: string, title: { zh: 工况, en: Working condition }, description: "Working condition, `unknown` where not given." }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  units: { type: bigint, unit: units, title: { zh: 整机台数, en: Machine units }, description: Machines sold less those returned. }
  revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 收入, en: Revenue }, description: Revenue of all lines. }
  margin: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 毛利, en: Margin }, description: Margin of all lines. }
  revenue_growth: { type: double, unit: ratio, title: { zh: 收入增长率, en: Revenue growth }, description: Growth against the same months of the year before. }
  months_covered: { type: bigint, unit: months, title: { zh: 覆盖月数, en: Months covered }, description: Complete months of the year. }
  covered_revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 可比收入, en: Covered revenue }, description: "Revenue of the months covered: what growth compares." }
  prior_revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 上年同期收入, en: Prior revenue }, description: "Revenue of the year before, in the months covered." }
checks:
  - not_null: [year, working_condition, product_type, units, months_covered]
  - unique: [year, working_condition, product_type]
  - expr: months_covered between 0 and 12
  - expr: abs(revenue_growth - (cast(covered_revenue as double) / nullif(cast(prior_revenue as double), 0) - 1)) < 0.000000001
    name: growth_follows_from_its_parts
--- */
WITH condition_month AS (
    SELECT
        order_month,
        working_condition,
        product_type,
        sum(units) AS units,
        sum(revenue) AS revenue,
        sum(margin) AS margin
    FROM core.sales
    GROUP BY order_month, working_condition, product_type
),

condition_year AS (
    SELECT
        CAST(date_part('year', order_month) AS INT) AS year,
        working_condition,
        product_type,
        sum(units) AS units,
        sum(revenue) AS revenue,
        sum(margin) AS margin
    FROM condition_month
    GROUP BY date_part('year', order_month), working_condition, product_type
),

covered_month AS (
    -- complete months with the same month a year before (domain.md, section 1, "Periods")
    SELECT
        month,
        year,
        CAST(month - INTERVAL '1 year' AS DATE) AS month_a_year_before
    FROM core.month
    WHERE is_order_complete
),

coverage AS (
    -- a growth needs every one of the earlier months
    SELECT
        covered_month.year,
        count(*) AS months_covered,
        count(*) = count(a_year_before.month) AS has_year_before
    FROM covered_month
    LEFT JOIN covered_month AS a_year_before ON a_year_before.month = covered_month.month_a_year_before
    GROUP BY covered_month.year
),

-- the year is taken from the order month, so that a year depends on the months of its own two years alone
covered_revenue AS (
    SELECT
        CAST(date_part('year', sales.order_month) AS INT) AS year,
        sales.working_condition,
        sales.product_type,
        sum(sales.revenue) AS revenue
    FROM condition_month AS sales
    JOIN covered_month ON covered_month.month = sales.order_month
    GROUP BY date_part('year', sales.order_month), sales.working_condition, sales.product_type
),

prior_revenue AS (
    SELECT
        CAST(date_part('year', sales.order_month) + 1 AS INT) AS year,
        sales.working_condition,
        sales.product_type,
        sum(sales.revenue) AS revenue
    FROM condition_month AS sales
    JOIN covered_month ON covered_month.month_a_year_before = sales.order_month
    GROUP BY date_part('year', sales.order_month) + 1, sales.working_condition, sales.product_type
),

compared_condition AS (
    SELECT
        sales.*,
        coalesce(coverage.months_covered, 0) AS months_covered,
        -- without a line in the months there is no revenue, which is not the same as one that is not known
        CASE WHEN covered_revenue.year IS NULL THEN 0 ELSE covered_revenue.revenue END AS covered_revenue,
        CASE
            WHEN NOT coalesce(coverage.has_year_before, false) THEN NULL
            WHEN prior_revenue.year IS NULL THEN 0
            ELSE prior_revenue.revenue
        END AS prior_revenue
    FROM condition_year AS sales
    LEFT JOIN coverage ON coverage.year = sales.year
    LEFT JOIN covered_revenue
        ON covered_revenue.year = sales.year
        AND covered_revenue.working_condition = sales.working_condition
        AND covered_revenue.product_type = sales.product_type
    LEFT JOIN prior_revenue
        ON prior_revenue.year = sales.year
        AND prior_revenue.working_condition = sales.working_condition
        AND prior_revenue.product_type = sales.product_type
)

SELECT
    year,
    working_condition,
    product_type,
    units,
    CAST(revenue AS DECIMAL(18, 2)) AS revenue,
    CAST(margin AS DECIMAL(18, 2)) AS margin,
    CAST(covered_revenue AS DOUBLE) / nullif(CAST(prior_revenue AS DOUBLE), 0) - 1 AS revenue_growth,
    months_covered,
    CAST(covered_revenue AS DECIMAL(18, 2)) AS covered_revenue,
    CAST(prior_revenue AS DECIMAL(18, 2)) AS prior_revenue
FROM compared_condition
