-- domain.md, section 7: who entered a stage, and what became of it. The next stage is the next present one of the five.
WITH entered AS (
    SELECT
        opportunity_id,
        stage,
        stage_number,
        quarter,
        date_diff('day', entered_date, lead(entered_date) OVER (PARTITION BY opportunity_id ORDER BY stage_number)) AS days,
        lead(stage_number) OVER (PARTITION BY opportunity_id ORDER BY stage_number) IS NOT NULL AS has_advanced
    FROM core.opportunity_stage
),
judged AS (
    SELECT
        entered.quarter,
        coalesce(opportunity.sale_type, 'unknown') AS sale_type,
        entered.stage,
        entered.stage_number,
        entered.days,
        entered.has_advanced,
        NOT entered.has_advanced AND coalesce(opportunity.status = 'lost', FALSE) AS is_lost,
        NOT entered.has_advanced AND coalesce(opportunity.status = 'won', FALSE) AS is_won
    FROM entered LEFT JOIN core.opportunity AS opportunity USING (opportunity_id)
)
SELECT
    quarter,
    sale_type,
    stage,
    count(*) AS entered_count,
    count(*) FILTER (has_advanced) AS advanced_count,
    count(*) FILTER (is_lost) AS lost_count,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY days::DOUBLE) FILTER (has_advanced) AS median_days,
    count(*) FILTER (is_won) AS won_count,
    count(*) FILTER (NOT has_advanced AND NOT is_lost AND NOT is_won) AS still_there_count,
    count(*) FILTER (has_advanced)::DOUBLE / count(*) AS advanced_rate,
    stage_number
FROM judged
GROUP BY quarter, sale_type, stage, stage_number
