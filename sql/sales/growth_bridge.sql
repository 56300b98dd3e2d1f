/* ---
description: >
  What made the revenue of a year and region differ from that of the year before: seven parts that add to the change
  to the cent. Both sides take the complete months of the year (core.month), so that a running month, and one without
  order lines, stands on neither; a year without a complete month has no row, nor has a region without a line on either
  side. Customers are compared within the
  region, by their order lines there, returns included; the customer `unknown` counts as one. A customer is new in the
  year of its first line in the region: the revenue of its lines in core industries is new_core_amount, of all others
  (also where nobody knows whether the industry is core) new_unrelated_amount. One with earlier lines but none in the
  whole prior year is won back; one with lines in the whole prior year and none in the complete months of this year is
  lost. All others are customers of both years: the revenue of a product type of which they had no line in the region
  before the year is cross-selling, the change of any other type is volume_amount = (Q1 - Q0) x P0, rounded to cents
  for each customer and product type, and price_mix_amount, the rest. Q counts machines (core.sales.units), P0 is
  the prior revenue / Q0; where Q0 or Q1 is not positive, all is volume. Lines in a currency without a rate have no
  revenue and are left out of Q, but they tell that the customer had lines. prior_months_covered tells how many of the
  months have order lines a year before: with fewer than months_covered, the bridge compares unequal sides.
owner: sales-operations
key: [year, region]
columns:
  year: { type: int, title: { zh: 年份, en: Year }, description: Year. }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 收入, en: Revenue }, description: Of the complete months of the year. }
  prior_revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 上年同期收入, en: Prior revenue }, description: Of the same months a year before. }
  new_core_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 核心行业新客户, en: New customers in core industries }, description: "Revenue with new customers, core industries." }
  new_unrelated_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 非核心行业新客户, en: New customers elsewhere }, description: "Revenue with new customers, other industries." }
  won_back_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 赢回客户, en: Won back }, description: Revenue with customers won back. }
  lost_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 流失客户, en: Lost }, description: "Prior revenue with customers lost, as a negative amount." }
  cross_selling_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 交叉销售, en: Cross-selling }, description: Revenue of product types new to a customer of both years. }
  volume_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 数量影响, en: Volume }, description: "More or fewer pieces, at the prior price." }
  price_mix_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 价格与组合影响, en: Price and mix }, description: The rest. }
  months_covered: { type: bigint, unit: months, title: { zh: 覆盖月数, en: Months covered }, description: Complete months of the year. }
  prior_months_covered: { type: bigint, unit: months, title: { zh: 上年覆盖月数, en: Prior months covered }, description: Of these months those that have order lines a year before. }
checks:
  - not_null: [year, region, revenue, prior_revenue, new_core_amount, new_unrelated_amount, won_back_amount, lost_amount, cross_selling_amount, volume_amount, price_mix_amount, months_covered, prior_months_covered]
  - expr: >-
      revenue - prior_revenue = new_core_amount + new_unrelated_amount + won_back_amount + lost_amount + cross_selling_amount
      + volume_amount + price_mix_amount
    name: parts_make_the_change
  - expr: months_covered between 1 and 12 and prior_months_covered between 0 and months_covered
  - expr: >-
      (SELECT sum(revenue) FROM sales.growth_bridge) = (SELECT sum(line.revenue) FROM core.sales AS line
      JOIN core.month AS month ON month.month = line.order_month AND month.is_order_complete)
    name: no_revenue_is_lost
--- */
WITH compared_month AS (
    -- the complete months of each year; the months before them, whether or not they have lines
    SELECT
        this.month,
        this.year,
        CAST(this.month - INTERVAL '1 year' AS DATE) AS prior_month,
        before.month IS NOT NULL AS has_prior
    FROM core.month AS this
    LEFT JOIN core.month AS before
        ON before.month = CAST(this.month - INTERVAL '1 year' AS DATE)
        AND before.is_order_complete
    WHERE this.is_order_complete
),

compared_year AS (
    SELECT
        year,
        count(*) AS months_covered,
        count(*) FILTER (WHERE has_prior) AS prior_months_covered
    FROM compared_month
    GROUP BY year
),

customer_year AS (
    -- each month stands in its own year and, as one of the prior year, in the year after
    SELECT
        CAST(date_part('year', line.order_month) AS INT) AS year,
        line.customer_id,
        line.region,
        line.product_type,
        count(*) AS year_line_count,
        count(this.month) AS compared_line_count,
        count(after.month) AS next_line_count,
        sum(CASE WHEN this.month IS NOT NULL THEN line.revenue END) AS revenue,
        sum(CASE WHEN this.month IS NOT NULL AND industry.is_core THEN line.revenue END) AS core_revenue,
        sum(CASE WHEN this.month IS NOT NULL AND line.revenue IS NOT NULL THEN line.units END) AS quantity,
        sum(CASE WHEN after.month IS NOT NULL THEN line.revenue END) AS revenue_for_next,
        sum(CASE WHEN after.month IS NOT NULL AND line.revenue IS NOT NULL THEN line.units END) AS quantity_for_next
    FROM core.sales AS line
    LEFT JOIN core.industry AS industry ON industry.industry = line.industry
    LEFT JOIN compared_month AS this ON this.month = line.order_month
    LEFT JOIN compared_month AS after ON after.prior_month = line.order_month
    GROUP BY date_part('year', line.order_month), line.customer_id, line.region, line.product_type
),

first_year AS (
    SELECT
        *,
        min(year) OVER (PARTITION BY customer_id, region) AS first_customer_year,
        min(year) OVER (PARTITION BY customer_id, region, product_type) AS first_type_year
    FROM customer_year
),

two_sides AS (
    SELECT
        year,
        customer_id,
        region,
        product_type,
        first_customer_year,
        first_type_year,
        compared_line_count AS line_count,
        0 AS prior_line_count,
        compared_line_count AS bridged_line_count,
        revenue,
        core_revenue,
        quantity,
        CAST(NULL AS DECIMAL(18, 2)) AS prior_revenue,
        CAST(NULL AS BIGINT) AS prior_quantity
    FROM first_year
    UNION ALL
    SELECT
        CAST(year + 1 AS INT) AS year,
        customer_id,
        region,
        product_type,
        first_customer_year,
        first_type_year,
        0,
        year_line_count,
        next_line_count,
        CAST(NULL AS DECIMAL(18, 2)),
        CAST(NULL AS DECIMAL(18, 2)),
        CAST(NULL AS BIGINT),
        revenue_for_next,
        quantity_for_next
    FROM first_year
),

compared_type AS (
    SELECT
        year,
        customer_id,
        region,
        product_type,
        min(first_customer_year) AS first_customer_year,
        min(first_type_year) AS first_type_year,
        sum(line_count) AS line_count,
        sum(prior_line_count) AS prior_line_count,
        sum(bridged_line_count) AS bridged_line_count,
        coalesce(sum(revenue), 0) AS revenue,
        coalesce(sum(core_revenue), 0) AS core_revenue,
        coalesce(sum(quantity), 0) AS quantity,
        coalesce(sum(prior_revenue), 0) AS prior_revenue,
        coalesce(sum(prior_quantity), 0) AS prior_quantity
    FROM two_sides
    GROUP BY year, customer_id, region, product_type
),

judged_type AS (
    -- what the customer is: by all of its lines in the region
    SELECT
        *,
        CASE
            WHEN first_customer_year = year THEN 'new'
            WHEN sum(prior_line_count) OVER (PARTITION BY year, customer_id, region) = 0 THEN 'won_back'
            WHEN sum(line_count) OVER (PARTITION BY year, customer_id, region) = 0 THEN 'lost'
            WHEN first_type_year = year THEN 'cross_selling'
            ELSE 'kept'
        END AS part
    FROM compared_type
),

priced_type AS (
    SELECT
        *,
        CASE
            WHEN part <> 'kept' THEN 0
            WHEN prior_quantity <= 0 OR quantity <= 0 THEN revenue - prior_revenue
            -- division last; a quotient that is cut off rounds to the same cents as the exact one
            ELSE round(CAST(prior_revenue AS DECIMAL(22, 2)) * CAST(quantity - prior_quantity AS DECIMAL(12, 0)) / CAST(prior_quantity AS DECIMAL(12, 0)), 2)
        END AS volume_amount
    FROM judged_type
),

bridge AS (
    SELECT
        year,
        region,
        sum(revenue) AS revenue,
        sum(prior_revenue) AS prior_revenue,
        sum(CASE WHEN part = 'new' THEN core_revenue ELSE 0 END) AS new_core_amount,
        sum(CASE WHEN part = 'new' THEN revenue - core_revenue ELSE 0 END) AS new_unrelated_amount,
        sum(CASE WHEN part = 'won_back' THEN revenue ELSE 0 END) AS won_back_amount,
        sum(CASE WHEN part = 'lost' THEN -prior_revenue ELSE 0 END) AS lost_amount,
        sum(CASE WHEN part = 'cross_selling' THEN revenue ELSE 0 END) AS cross_selling_amount,
        sum(volume_amount) AS volume_amount,
        sum(CASE WHEN part = 'kept' THEN revenue - prior_revenue - volume_amount ELSE 0 END) AS price_mix_amount
    FROM priced_type
    GROUP BY year, region
    -- lines outside the months that are compared make no bridge
    HAVING sum(bridged_line_count) > 0
)

SELECT
    bridge.year,
    bridge.region,
    CAST(bridge.revenue AS DECIMAL(18, 2)) AS revenue,
    CAST(bridge.prior_revenue AS DECIMAL(18, 2)) AS prior_revenue,
    CAST(bridge.new_core_amount AS DECIMAL(18, 2)) AS new_core_amount,
    CAST(bridge.new_unrelated_amount AS DECIMAL(18, 2)) AS new_unrelated_amount,
    CAST(bridge.won_back_amount AS DECIMAL(18, 2)) AS won_back_amount,
    CAST(bridge.lost_amount AS DECIMAL(18, 2)) AS lost_amount,
    CAST(bridge.cross_selling_amount AS DECIMAL(18, 2)) AS cross_selling_amount,
    CAST(bridge.volume_amount AS DECIMAL(18, 2)) AS volume_amount,
    CAST(bridge.price_mix_amount AS DECIMAL(18, 2)) AS price_mix_amount,
    compared_year.months_covered,
    compared_year.prior_months_covered
FROM bridge
-- a year without a complete month compares nothing
JOIN compared_year ON compared_year.year = bridge.year
