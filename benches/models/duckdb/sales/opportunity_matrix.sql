-- domain.md, section 7: open opportunities, amount and probability against the medians (at or above is high).
WITH open_opportunity AS (
    SELECT opportunity_id, expected_amount, probability, customer_id, account_id, region, product_type, stage, salesperson
    FROM core.opportunity
    WHERE status = 'open'
),
middle AS (
    SELECT
        percentile_cont(0.5) WITHIN GROUP (ORDER BY expected_amount::DOUBLE) AS median_expected_amount,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY probability) AS median_probability
    FROM open_opportunity
),
judged AS (
    SELECT
        *,
        round(expected_amount::DOUBLE - median_expected_amount, 12) >= 0 AS is_large,
        round(probability - median_probability, 12) >= 0 AS is_likely
    FROM open_opportunity CROSS JOIN middle
)
SELECT
    opportunity_id,
    expected_amount,
    probability,
    is_large,
    is_likely,
    CASE
        WHEN is_large AND is_likely THEN 'act_now'
        WHEN is_large AND NOT is_likely THEN 'plan'
        WHEN NOT is_large AND is_likely THEN 'opportunistic'
        ELSE 'shelve'
    END AS advice,
    median_expected_amount,
    median_probability,
    customer_id,
    account_id,
    region,
    product_type,
    stage,
    salesperson
FROM judged
