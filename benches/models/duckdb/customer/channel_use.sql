-- domain.md, section 6: orders and revenue by channel, and the channel that the customer prefers.
WITH used AS (
    SELECT
        customer_id,
        coalesce(channel, 'unknown') AS channel,
        count(DISTINCT (dealer_code, order_no)) FILTER (WHERE NOT is_return) AS orders_count,
        coalesce(sum(revenue), 0)::DECIMAL(18, 2) AS revenue
    FROM core.sales
    WHERE customer_id <> 'unknown'
    GROUP BY customer_id, coalesce(channel, 'unknown')
),
placed AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY customer_id ORDER BY channel <> 'unknown' AND orders_count > 0 DESC, orders_count DESC, revenue DESC, channel
        ) AS place
    FROM used
)
SELECT customer_id, channel, orders_count, revenue, place = 1 AND channel <> 'unknown' AND orders_count > 0 AS is_preferred
FROM placed
