-- domain.md, section 4: the first class that fits, over the trailing 12 months by order lines.
WITH period AS (
    SELECT order_t12m_from AS first_date, last_day(order_month) AS last_date FROM core.latest_period
),
policy AS (
    SELECT max(value) FILTER (key = 'segment.customer_need.service_dependent_from') AS dependent_from,
        max(value) FILTER (key = 'segment.customer_need.service_needing_from') AS needing_from,
        max(value) FILTER (key = 'segment.customer_need.bid_shopping_quotes_from') AS quotes_from
    FROM core.policy WHERE valid_from <= getvariable('run_date') AND (valid_to IS NULL OR valid_to > getvariable('run_date'))
),
bought AS (
    SELECT customer_id, count(*) AS purchase_count, coalesce(sum(revenue) FILTER (channel = 'dealer'), 0)::DOUBLE / nullif(sum(revenue), 0)::DOUBLE AS dealer_share
    FROM core.sales JOIN period ON order_date BETWEEN first_date AND last_date
    WHERE NOT is_return
    GROUP BY customer_id
),
asked AS (
    SELECT customer_id, count(*) AS opportunity_count, avg(quotes_compared_count) AS mean_quotes
    FROM core.opportunity JOIN period ON opened_date BETWEEN first_date AND last_date
    GROUP BY customer_id
)
SELECT customer_id,
    CASE WHEN purchase_count IS NULL AND opportunity_count IS NULL THEN 'unclassified'
        WHEN round(dealer_share, 12) >= dependent_from THEN 'service_dependent'
        WHEN round(dealer_share, 12) >= needing_from THEN 'service_needing'
        WHEN round(mean_quotes, 12) >= quotes_from THEN 'bid_shopping'
        ELSE 'self_reliant' END AS need_class,
    dealer_share, mean_quotes, coalesce(purchase_count, 0) AS purchase_count, coalesce(opportunity_count, 0) AS opportunity_count
FROM core.customer LEFT JOIN bought USING (customer_id) LEFT JOIN asked USING (customer_id), policy
