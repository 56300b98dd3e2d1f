-- Campaigns have no event date and are taken as delivered.
SELECT
    campaign_id,
    kind,
    "from" AS from_date,
    "to" AS to_date,
    date_trunc('quarter', "from")::DATE AS quarter,
    CASE WHEN region IS NULL OR region IN (SELECT region FROM core.region) THEN region ELSE 'unknown' END AS region,
    CASE WHEN product_type IS NULL OR product_type IN (SELECT product_type FROM core.product) THEN product_type ELSE 'unknown' END AS product_type,
    cost_amount
FROM staged.campaign
