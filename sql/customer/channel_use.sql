/* ---
description: >
  By which channels a customer buys, over all time up to run_date: a row for each customer and channel with an order
  line. Channel and revenue are those of the lines, returns included; an order counts once in each channel of its lines
  that are no returns. Preferred is the known channel with the most orders, of equals the one with more revenue, then the
  first by name; a customer whose channels are all unknown, or that only returned, prefers none. Rows that name no
  customer are left out.
owner: customer-management
key: [customer_id, channel]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  channel: { type: string, title: { zh: 渠道, en: Channel }, description: "direct, dealer, online or tender; `unknown` where not given." }
  orders_count: { type: bigint, unit: orders, title: { zh: 订单数, en: Orders }, description: Orders by this channel. }
  revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 收入, en: Revenue }, description: Revenue by this channel. }
  is_preferred: { type: boolean, title: { zh: 是否首选, en: Is preferred }, description: The channel that the customer uses most. }
checks:
  - not_null: [customer_id, channel, orders_count, revenue, is_preferred]
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
  - expr: channel <> 'unknown' and orders_count > 0
    where: is_preferred
  - expr: (SELECT count(*) FROM (SELECT customer_id FROM customer.channel_use WHERE is_preferred GROUP BY customer_id HAVING count(*) > 1) AS undecided) = 0
    name: no_customer_prefers_two
  - expr: (SELECT coalesce(sum(revenue), 0) FROM customer.channel_use) = (SELECT coalesce(sum(revenue), 0) FROM core.sales WHERE customer_id <> 'unknown')
    name: no_revenue_is_lost
--- */
WITH channel_order AS (
    -- one row for each order in each channel of its lines
    SELECT
        customer_id,
        coalesce(channel, 'unknown') AS channel,
        dealer_code,
        order_no,
        bool_or(NOT is_return) AS is_order,
        sum(revenue) AS revenue
    FROM core.sales
    WHERE customer_id <> 'unknown'
    GROUP BY customer_id, coalesce(channel, 'unknown'), dealer_code, order_no
),

used_channel AS (
    SELECT
        customer_id,
        channel,
        count(*) FILTER (WHERE is_order) AS orders_count,
        coalesce(sum(revenue), 0) AS revenue
    FROM channel_order
    GROUP BY customer_id, channel
)

SELECT
    customer_id,
    channel,
    orders_count,
    CAST(revenue AS DECIMAL(18, 2)) AS revenue,
    -- what is unknown, or was never ordered by, comes last and is not preferred
    channel <> 'unknown' AND orders_count > 0
        AND row_number() OVER (
            PARTITION BY customer_id
            ORDER BY channel = 'unknown', orders_count DESC, revenue DESC, channel
        ) = 1 AS is_preferred
FROM used_channel
