/* ---
description: >
  How near a customer stands: the level that the CRM gives it, and the rung of our own ladder, the highest that it has
  reached. known; contacted (a visit, contact or opportunity); first_purchase (an order); repeat (orders as policy
  says); loyal (more orders, and our part of its whole fleet as policy says); advocate (loyal, and the mean
  recommendation in the latest survey that it answered as policy says). A customer whose fleet is not known is not
  loyal, one that answered no survey no advocate. Referred are the customers that name it as the one who recommended us.
owner: customer-management
key: [customer_id]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  relationship_level: { type: string, title: { zh: 关系等级, en: Relationship level }, description: "vendor, preferred, partner or alliance; NULL where not known." }
  ladder: { type: string, title: { zh: 忠诚阶梯, en: Ladder }, description: "known, contacted, first_purchase, repeat, loyal or advocate." }
  referred_customers_count: { type: bigint, unit: customers, title: { zh: 介绍客户数, en: Referred customers }, description: Customers that it referred. }
  ladder_rank: { type: bigint, title: { zh: 阶梯序号, en: Rung }, description: "Place of the rung, from 1." }
  orders_count: { type: bigint, unit: orders, title: { zh: 订单数, en: Orders }, description: Orders of all time. }
  wallet_share: { type: double, unit: share, title: { zh: 钱包份额, en: Wallet share }, description: Own part of its whole fleet. }
  recommend_score: { type: double, unit: points 0..10, title: { zh: 推荐意愿, en: Recommend score }, description: In the latest survey that it answered. }
checks:
  - not_null: [customer_id, ladder, referred_customers_count, ladder_rank, orders_count]
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
  - accepted_values: { column: ladder, values: [known, contacted, first_purchase, repeat, loyal, advocate] }
  - expr: wallet_share between 0 and 1
  - expr: (ladder in ('known', 'contacted')) = (orders_count = 0)
    name: who_ordered_has_purchased
  - expr: (SELECT sum(orders_count) FROM customer.loyalty) = (SELECT count(*) FROM core.customer_order WHERE customer_id <> 'unknown')
    name: no_order_is_lost
  - expr: (SELECT count(*) FROM customer.loyalty) = (SELECT count(*) FROM core.customer)
    name: every_customer_has_a_row
--- */
WITH ordering_customer AS (
    SELECT customer_id, count(*) AS orders_count
    FROM core.customer_order
    GROUP BY customer_id
),

contacted_customer AS (
    SELECT customer_id FROM core.visit
    UNION
    SELECT customer_id FROM core.contact
    UNION
    SELECT customer_id FROM core.opportunity
),

customer_fleet AS (
    SELECT
        customer_id,
        CAST(sum(own_fleet_units) AS DOUBLE) / nullif(sum(fleet_units), 0) AS wallet_share
    FROM customer.wallet
    GROUP BY customer_id
),

latest_survey AS (
    SELECT customer_id, recommend_score
    FROM customer.survey_score
    WHERE survey_rank = 1
),

referring_customer AS (
    SELECT
        referred_by_customer_id AS customer_id,
        count(*) AS referred_customers_count
    FROM core.customer
    WHERE referred_by_customer_id IS NOT NULL
    GROUP BY referred_by_customer_id
),

policy AS (
    -- the table has no period: the policy in force on run_date
    SELECT
        max(CASE WHEN key = 'customer.loyalty.repeat_orders_from' THEN value END) AS repeat_orders,
        max(CASE WHEN key = 'customer.loyalty.loyal_orders_from' THEN value END) AS loyal_orders,
        max(CASE WHEN key = 'customer.loyalty.loyal_wallet_from' THEN value END) AS loyal_wallet,
        max(CASE WHEN key = 'customer.loyalty.advocate_recommend_from' THEN value END) AS advocate_recommend
    FROM core.policy
    WHERE key LIKE 'customer.loyalty.%' AND in_force(valid_from, valid_to, $run_date)
),

judged_customer AS (
    SELECT
        customer.customer_id,
        customer.relationship_level,
        coalesce(ordering.orders_count, 0) AS orders_count,
        fleet.wallet_share,
        survey.recommend_score,
        coalesce(referring.referred_customers_count, 0) AS referred_customers_count,
        contacted.customer_id IS NOT NULL AS is_contacted,
        coalesce(ordering.orders_count, 0) >= 1 AS has_purchased,
        coalesce(ordering.orders_count >= policy.repeat_orders, false) AS has_repeated,
        coalesce(ordering.orders_count >= policy.loyal_orders AND round(fleet.wallet_share, 12) >= policy.loyal_wallet, false) AS is_loyal,
        coalesce(round(survey.recommend_score, 12) >= policy.advocate_recommend, false) AS recommends
    FROM core.customer AS customer
    CROSS JOIN policy
    LEFT JOIN ordering_customer AS ordering ON ordering.customer_id = customer.customer_id
    LEFT JOIN contacted_customer AS contacted ON contacted.customer_id = customer.customer_id
    LEFT JOIN customer_fleet AS fleet ON fleet.customer_id = customer.customer_id
    LEFT JOIN latest_survey AS survey ON survey.customer_id = customer.customer_id
    LEFT JOIN referring_customer AS referring ON referring.customer_id = customer.customer_id
),

placed_customer AS (
    -- domain.md, section 6: the rungs from top to bottom
    SELECT
        *,
        CASE
            WHEN is_loyal AND recommends THEN 'advocate'
            WHEN is_loyal THEN 'loyal'
            WHEN has_repeated THEN 'repeat'
            WHEN has_purchased THEN 'first_purchase'
            WHEN is_contacted THEN 'contacted'
            ELSE 'known'
        END AS ladder
    FROM judged_customer
)

SELECT
    customer_id,
    relationship_level,
    ladder,
    referred_customers_count,
    CAST(array_position(['known', 'contacted', 'first_purchase', 'repeat', 'loyal', 'advocate'], ladder) AS BIGINT) AS ladder_rank,
    orders_count,
    wallet_share,
    recommend_score
FROM placed_customer
