-- domain.md, section 6: the rungs of the ladder, each of which needs the one below.
WITH policy AS (
    SELECT
        max(value) FILTER (WHERE key = 'customer.loyalty.repeat_orders_from') AS repeat_from,
        max(value) FILTER (WHERE key = 'customer.loyalty.loyal_orders_from') AS loyal_from,
        max(value) FILTER (WHERE key = 'customer.loyalty.loyal_wallet_from') AS wallet_from,
        max(value) FILTER (WHERE key = 'customer.loyalty.advocate_recommend_from') AS recommend_from
    FROM core.policy
    WHERE valid_from <= getvariable('run_date') AND (valid_to IS NULL OR valid_to > getvariable('run_date'))
),
contacted AS (
    SELECT customer_id FROM core.visit
    UNION
    SELECT customer_id FROM core.contact
    UNION
    SELECT customer_id FROM core.opportunity
),
ordered AS (
    SELECT customer_id, count(*) AS orders_count FROM core.customer_order GROUP BY customer_id
),
referred AS (
    SELECT referred_by_customer_id AS customer_id, count(*) AS referred_count FROM core.customer GROUP BY referred_by_customer_id
),
owned AS (
    SELECT customer_id, sum(own_fleet_units)::DOUBLE / nullif(sum(fleet_units), 0) AS wallet_share FROM customer.wallet GROUP BY customer_id
),
known AS (
    SELECT
        customer.customer_id,
        customer.relationship_level,
        contacted.customer_id IS NOT NULL AS is_contacted,
        coalesce(ordered.orders_count, 0) AS orders_count,
        owned.wallet_share,
        survey.recommend_score,
        coalesce(referred.referred_count, 0) AS referred_count
    FROM core.customer AS customer
    LEFT JOIN contacted ON contacted.customer_id = customer.customer_id
    LEFT JOIN ordered ON ordered.customer_id = customer.customer_id
    LEFT JOIN owned ON owned.customer_id = customer.customer_id
    LEFT JOIN customer.survey_score AS survey ON survey.customer_id = customer.customer_id AND survey.survey_rank = 1
    LEFT JOIN referred ON referred.customer_id = customer.customer_id
),
ranked AS (
    SELECT
        *,
        CASE
            WHEN orders_count >= loyal_from AND round(wallet_share, 12) >= wallet_from AND round(recommend_score, 12) >= recommend_from THEN 6
            WHEN orders_count >= loyal_from AND round(wallet_share, 12) >= wallet_from THEN 5
            WHEN orders_count >= repeat_from THEN 4
            WHEN orders_count > 0 THEN 3
            WHEN is_contacted THEN 2
            ELSE 1
        END AS ladder_rank
    FROM known
    CROSS JOIN policy
)
SELECT
    customer_id,
    relationship_level,
    (['known', 'contacted', 'first_purchase', 'repeat', 'loyal', 'advocate'])[ladder_rank] AS ladder,
    referred_count AS referred_customers_count,
    ladder_rank::BIGINT AS ladder_rank,
    orders_count,
    wallet_share,
    recommend_score
FROM ranked
