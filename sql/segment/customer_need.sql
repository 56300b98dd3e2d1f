/* ---
description: >
  What each customer needs from us, by how it buys: the first class that fits over the trailing 12 months by order
  lines. The dealer share is the part of revenue that came through the channel dealer, over the lines that are no
  returns and whose revenue is known; a line without a channel is in the whole alone. The quotes are the mean number
  compared in the opportunities opened in those months, over those that give one. A customer with purchases or
  opportunities that fits none of the first three classes is self-reliant; one without either is unclassified.
owner: market-research
key: [customer_id]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  need_class: { type: string, title: { zh: 需求类型, en: Need class }, description: "service_dependent 依赖服务型, service_needing 需要服务型, bid_shopping 货比三家型, self_reliant 自力更生型 or unclassified." }
  dealer_share: { type: double, unit: share, title: { zh: 经销采购占比, en: Dealer share }, description: Revenue through dealers of all revenue. }
  mean_quotes: { type: double, unit: quotes, title: { zh: 平均比价家数, en: Mean quotes }, description: Quotes compared in an opportunity. }
  purchase_count: { type: bigint, unit: order lines, title: { zh: 采购行数, en: Purchases }, description: Order lines that are no returns. }
  opportunity_count: { type: bigint, unit: opportunities, title: { zh: 商机数, en: Opportunities }, description: Opportunities opened. }
checks:
  - not_null: [customer_id, need_class, purchase_count, opportunity_count]
  - accepted_values: { column: need_class, values: [service_dependent, service_needing, bid_shopping, self_reliant, unclassified] }
  - expr: dealer_share between 0 and 1
  - expr: (need_class = 'unclassified') = (purchase_count = 0 and opportunity_count = 0)
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
  - expr: (select count(*) from segment.customer_need) = (select count(*) from core.customer)
    name: every_customer_has_a_row
--- */
WITH trailing_month AS (
    SELECT unnest(generate_series(order_t12m_from, order_month, INTERVAL '1 month')) AS month
    FROM core.latest_period
),

purchase AS (
    SELECT
        line.customer_id,
        count(*) AS purchase_count,
        CAST(sum(CASE WHEN line.channel = 'dealer' THEN line.revenue ELSE 0 END) AS DOUBLE)
            / nullif(CAST(sum(line.revenue) AS DOUBLE), 0) AS dealer_share
    FROM core.sales AS line
    JOIN trailing_month ON trailing_month.month = line.order_month
    WHERE NOT line.is_return
    GROUP BY line.customer_id
),

quoted_opportunity AS (
    SELECT
        opportunity.customer_id,
        count(*) AS opportunity_count,
        CAST(sum(opportunity.quotes_compared_count) AS DOUBLE) / nullif(count(opportunity.quotes_compared_count), 0) AS mean_quotes
    FROM core.opportunity AS opportunity
    JOIN trailing_month ON trailing_month.month = CAST(date_trunc('month', opportunity.opened_date) AS DATE)
    GROUP BY opportunity.customer_id
),

limit_value AS (
    SELECT
        max(CASE WHEN key = 'segment.customer_need.service_dependent_from' THEN value END) AS service_dependent_from,
        max(CASE WHEN key = 'segment.customer_need.service_needing_from' THEN value END) AS service_needing_from,
        max(CASE WHEN key = 'segment.customer_need.bid_shopping_quotes_from' THEN value END) AS bid_shopping_quotes_from
    FROM core.policy
    WHERE key LIKE 'segment.customer_need.%'
        AND in_force(valid_from, valid_to, $run_date)
)

SELECT
    customer.customer_id,
    CASE
        WHEN purchase.customer_id IS NULL AND opportunity.customer_id IS NULL THEN 'unclassified'
        WHEN round(purchase.dealer_share, 12) >= round(limit_value.service_dependent_from, 12) THEN 'service_dependent'
        WHEN round(purchase.dealer_share, 12) >= round(limit_value.service_needing_from, 12) THEN 'service_needing'
        WHEN round(opportunity.mean_quotes, 12) >= round(limit_value.bid_shopping_quotes_from, 12) THEN 'bid_shopping'
        ELSE 'self_reliant'
    END AS need_class,
    purchase.dealer_share,
    opportunity.mean_quotes,
    coalesce(purchase.purchase_count, 0) AS purchase_count,
    coalesce(opportunity.opportunity_count, 0) AS opportunity_count
FROM core.customer AS customer
CROSS JOIN limit_value
LEFT JOIN purchase ON purchase.customer_id = customer.customer_id
LEFT JOIN quoted_opportunity AS opportunity ON opportunity.customer_id = customer.customer_id
