-- domain.md, section 5: closed opportunities by the competitor that we met.
WITH closed AS (
    SELECT closed_quarter AS quarter, region, product_type, coalesce(main_competitor, 'none') AS main_competitor, status, expected_amount, lost_reason
    FROM core.opportunity
    WHERE status IN ('won', 'lost')
),
reason AS (
    SELECT quarter, region, product_type, main_competitor, lost_reason AS top_lost_reason
    FROM closed
    WHERE status = 'lost' AND lost_reason IS NOT NULL
    GROUP BY quarter, region, product_type, main_competitor, lost_reason
    QUALIFY row_number() OVER (
        PARTITION BY quarter, region, product_type, main_competitor ORDER BY count(*) DESC, sum(expected_amount) DESC NULLS LAST, lost_reason) = 1
),
counted AS (
    SELECT quarter, region, product_type, main_competitor, count(*) AS closed_count, count(*) FILTER (status = 'won') AS won_count,
        count(*) FILTER (status = 'lost') AS lost_count, sum(expected_amount) AS closed_amount,
        sum(expected_amount) FILTER (status = 'won') AS won_amount
    FROM closed
    GROUP BY ALL
)
SELECT quarter, region, product_type, main_competitor, closed_count, won_count, lost_count, won_count / closed_count::DOUBLE AS win_rate,
    coalesce(won_amount, 0)::DOUBLE / nullif(closed_amount, 0)::DOUBLE AS win_amount_rate, top_lost_reason,
    closed_amount::DECIMAL(18, 2) AS closed_amount, CASE WHEN closed_amount IS NOT NULL THEN coalesce(won_amount, 0) END::DECIMAL(18, 2) AS won_amount
FROM counted LEFT JOIN reason USING (quarter, region, product_type, main_competitor)
