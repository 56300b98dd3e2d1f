/* ---
description: >
  Groups of customers alike in size, need and relationship, by year: customers with an order line in the year or an
  opportunity opened in it, with their size, need and relationship as of run_date. The size is that of the largest
  yearly revenue among the customer's accounts, against limits in USD at the rate of the latest month up to run_date;
  without one it is `unknown`. Revenue is of all lines, returns included; the profit share is the group's part of the
  year's margin over the lines that are no returns. The wallet share is own units of all units in the fleets of the
  group's customers as of run_date. The target share is that of the segments to which these fleets belong (region and
  product type of the fleet, industry of the customer), by the policy at the end of the year, weighted by units; fleets
  without a target have no weight. The gap is target less own. Lines and opportunities that name no customer are the
  group `unknown`, which counts no customers.
owner: market-research
key: [year, size_class, need_class, relationship]
columns:
  year: { type: int, title: { zh: 年份, en: Year }, description: Year of the order lines and opportunities. }
  size_class: { type: string, title: { zh: 规模, en: Size class }, description: "small, medium, large, multinational or unknown." }
  need_class: { type: string, title: { zh: 需求类型, en: Need class }, description: "Class of segment.customer_need, or unknown." }
  relationship: { type: string, title: { zh: 客户关系, en: Relationship }, description: "existing, competitor, outside_industry, prospect or unknown." }
  customer_count: { type: bigint, unit: customers, title: { zh: 客户数, en: Customers }, description: Customers of the group. }
  revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 收入, en: Revenue }, description: Revenue of the year. }
  profit_share: { type: double, unit: share, title: { zh: 利润占比, en: Profit share }, description: "Part of the year's margin." }
  own_wallet_share: { type: double, unit: share, title: { zh: 自有钱包份额, en: Own wallet share }, description: Own units of fleet units. }
  target_share: { type: double, unit: share, title: { zh: 目标份额, en: Target share }, description: Share that we want. }
  gap_share: { type: double, unit: share points, title: { zh: 份额缺口, en: Share gap }, description: Target less own. }
  margin: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 毛利, en: Margin }, description: Margin of the lines that are no returns. }
  fleet_units: { type: bigint, unit: units, title: { zh: 保有量, en: Fleet units }, description: Machines of all brands. }
  own_fleet_units: { type: bigint, unit: units, title: { zh: 自有保有量, en: Own fleet units }, description: Machines of own brands. }
checks:
  - not_null: [year, size_class, need_class, relationship, customer_count, fleet_units, own_fleet_units]
  - accepted_values: { column: size_class, values: [small, medium, large, multinational, unknown] }
  - accepted_values: { column: need_class, values: [service_dependent, service_needing, bid_shopping, self_reliant, unclassified, unknown] }
  - accepted_values: { column: relationship, values: [existing, competitor, outside_industry, prospect, unknown] }
  - expr: own_wallet_share between 0 and 1 and target_share between 0 and 1
  - expr: own_fleet_units between 0 and fleet_units
  - expr: (select sum(revenue) from segment.customer_group) = (select sum(revenue) from core.sales)
    name: no_revenue_is_lost
  - expr: customer_count > 0 or relationship = 'unknown'
--- */
WITH customer_year AS (
    -- order lines and opportunities, one below the other
    SELECT
        CAST(date_part('year', order_month) AS INT) AS year,
        customer_id,
        count(*) AS line_count,
        count(CASE WHEN NOT is_return THEN line_no END) AS sale_count,
        sum(revenue) AS revenue,
        sum(CASE WHEN NOT is_return THEN margin END) AS margin
    FROM core.sales
    GROUP BY date_part('year', order_month), customer_id
    UNION ALL
    SELECT CAST(date_part('year', opened_date) AS INT), customer_id, 0, 0, NULL, NULL
    FROM core.opportunity
    GROUP BY date_part('year', opened_date), customer_id
),

active_customer AS (
    SELECT
        year,
        customer_id,
        sum(line_count) AS line_count,
        sum(sale_count) AS sale_count,
        sum(revenue) AS revenue,
        sum(margin) AS margin
    FROM customer_year
    GROUP BY year, customer_id
),

account_size AS (
    SELECT customer_id, max(size_revenue_amount) AS revenue_amount
    FROM core.account
    GROUP BY customer_id
),

dollar AS (
    SELECT CAST(rate AS DOUBLE) AS rate
    FROM staged.fx_rate
    WHERE currency = 'USD' AND month <= CAST(date_trunc('month', $run_date) AS DATE)
    ORDER BY month DESC
    LIMIT 1
),

size_limit AS (
    -- in the reporting currency; without a rate no size is known
    SELECT
        max(CASE WHEN policy.key = 'segment.customer_group.small_below' THEN policy.value END) * max(dollar.rate) AS small_below,
        max(CASE WHEN policy.key = 'segment.customer_group.medium_below' THEN policy.value END) * max(dollar.rate) AS medium_below,
        max(CASE WHEN policy.key = 'segment.customer_group.large_below' THEN policy.value END) * max(dollar.rate) AS large_below
    FROM core.policy AS policy
    LEFT JOIN dollar ON true
    WHERE policy.key LIKE 'segment.customer_group.%'
        AND in_force(policy.valid_from, policy.valid_to, $run_date)
),

classed_customer AS (
    SELECT
        customer.customer_id,
        customer.industry,
        customer.relationship,
        need.need_class,
        CASE
            WHEN account_size.revenue_amount IS NULL OR size_limit.small_below IS NULL THEN 'unknown'
            WHEN account_size.revenue_amount < size_limit.small_below THEN 'small'
            WHEN account_size.revenue_amount < size_limit.medium_below THEN 'medium'
            WHEN account_size.revenue_amount < size_limit.large_below THEN 'large'
            ELSE 'multinational'
        END AS size_class
    FROM core.customer AS customer
    CROSS JOIN size_limit
    LEFT JOIN account_size ON account_size.customer_id = customer.customer_id
    LEFT JOIN segment.customer_need AS need ON need.customer_id = customer.customer_id
),

customer_segment AS (
    SELECT
        fleet.customer_id,
        fleet.region,
        fleet.product_type,
        customer.industry,
        sum(fleet.units) AS units,
        sum(CASE WHEN fleet.is_own THEN fleet.units ELSE 0 END) AS own_units
    FROM core.fleet AS fleet
    JOIN core.customer AS customer ON customer.customer_id = fleet.customer_id
    GROUP BY fleet.customer_id, fleet.region, fleet.product_type, customer.industry
),

customer_wallet AS (
    SELECT
        active.year,
        active.customer_id,
        sum(segment.units) AS fleet_units,
        sum(segment.own_units) AS own_fleet_units,
        exact_sum(policy.target_share * segment.units) AS target_units,
        sum(CASE WHEN policy.target_share IS NOT NULL THEN segment.units END) AS targeted_units
    FROM active_customer AS active
    JOIN customer_segment AS segment ON segment.customer_id = active.customer_id
    LEFT JOIN core.segment_policy AS policy
        ON policy.region = segment.region
        AND policy.product_type = segment.product_type
        AND policy.industry = segment.industry
        AND in_force(policy.valid_from, policy.valid_to, make_date(active.year, 12, 31))
    GROUP BY active.year, active.customer_id
),

customer_group AS (
    SELECT
        active.year,
        coalesce(classed.size_class, 'unknown') AS size_class,
        coalesce(classed.need_class, 'unknown') AS need_class,
        coalesce(classed.relationship, 'unknown') AS relationship,
        count(classed.customer_id) AS customer_count,
        -- without a line there is no revenue, which is not the same as one that is not known
        CASE WHEN sum(active.line_count) = 0 THEN 0 ELSE sum(active.revenue) END AS revenue,
        CASE WHEN sum(active.sale_count) = 0 THEN 0 ELSE sum(active.margin) END AS margin,
        coalesce(sum(wallet.fleet_units), 0) AS fleet_units,
        coalesce(sum(wallet.own_fleet_units), 0) AS own_fleet_units,
        exact_sum(wallet.target_units) / nullif(sum(wallet.targeted_units), 0) AS target_share
    FROM active_customer AS active
    LEFT JOIN classed_customer AS classed ON classed.customer_id = active.customer_id
    LEFT JOIN customer_wallet AS wallet ON wallet.year = active.year AND wallet.customer_id = active.customer_id
    GROUP BY
        active.year,
        coalesce(classed.size_class, 'unknown'),
        coalesce(classed.need_class, 'unknown'),
        coalesce(classed.relationship, 'unknown')
),

shared_group AS (
    SELECT
        *,
        CAST(margin AS DOUBLE) / nullif(CAST(sum(margin) OVER (PARTITION BY year) AS DOUBLE), 0) AS profit_share,
        CAST(own_fleet_units AS DOUBLE) / nullif(fleet_units, 0) AS own_wallet_share
    FROM customer_group
)

SELECT
    year,
    size_class,
    need_class,
    relationship,
    customer_count,
    CAST(revenue AS DECIMAL(18, 2)) AS revenue,
    profit_share,
    own_wallet_share,
    target_share,
    target_share - own_wallet_share AS gap_share,
    CAST(margin AS DECIMAL(18, 2)) AS margin,
    CAST(fleet_units AS BIGINT) AS fleet_units,
    CAST(own_fleet_units AS BIGINT) AS own_fleet_units
FROM shared_group
