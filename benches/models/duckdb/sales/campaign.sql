-- domain.md, section 7: won margin = expected amount of won ones x margin rate of the product type in the year of closing.
WITH margin_rate AS (
    SELECT year(order_month) AS year, product_type, sum(margin)::DOUBLE / nullif(sum(revenue), 0)::DOUBLE AS rate
    FROM core.sales
    WHERE NOT is_return AND margin IS NOT NULL AND revenue IS NOT NULL
    GROUP BY ALL
),
brought AS (
    SELECT
        opportunity.campaign_id,
        count(*) AS opportunity_count,
        count(*) FILTER (opportunity.status = 'won') AS won_count,
        count(*) FILTER (opportunity.status = 'won' AND (margin_rate.rate IS NULL OR opportunity.expected_amount IS NULL)) AS unvalued_won_count,
        sum(opportunity.expected_amount::DOUBLE * margin_rate.rate) FILTER (opportunity.status = 'won') AS won_margin
    FROM core.opportunity AS opportunity
    LEFT JOIN margin_rate
        ON margin_rate.year = year(opportunity.closed_date) AND margin_rate.product_type = opportunity.product_type
    WHERE opportunity.campaign_id IS NOT NULL
    GROUP BY opportunity.campaign_id
),
answered AS (
    SELECT campaign_id, count(*) AS contact_count FROM core.contact GROUP BY campaign_id
),
limit_of AS (
    SELECT value
    FROM core.policy
    WHERE key = 'sales.campaign.worth_repeating_ratio_from'
        AND valid_from <= getvariable('run_date') AND coalesce(valid_to > getvariable('run_date'), TRUE)
),
valued AS (
    SELECT
        campaign.*,
        coalesce(answered.contact_count, 0) AS contact_count,
        coalesce(brought.opportunity_count, 0) AS opportunity_count,
        coalesce(brought.won_count, 0) AS won_count,
        coalesce(brought.unvalued_won_count, 0) AS unvalued_won_count,
        (CASE WHEN coalesce(brought.won_count, 0) = 0 THEN 0 ELSE brought.won_margin END)::DECIMAL(18, 2) AS won_margin
    FROM core.campaign AS campaign
    LEFT JOIN answered USING (campaign_id)
    LEFT JOIN brought USING (campaign_id)
)
SELECT
    campaign_id,
    contact_count,
    opportunity_count,
    won_margin,
    cost_amount,
    won_margin::DOUBLE / nullif(cost_amount, 0)::DOUBLE AS return_ratio,
    round(won_margin::DOUBLE / nullif(cost_amount, 0)::DOUBLE, 12) >= (SELECT value FROM limit_of) AS is_worth_repeating,
    kind,
    from_date,
    to_date,
    region,
    product_type,
    won_count,
    unvalued_won_count
FROM valued
