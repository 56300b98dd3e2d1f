-- domain.md, sections 1 and 2: stage entries by their local date, in the order of the five stages.
WITH entered AS (
    SELECT
        opportunity_id,
        stage,
        entered_at,
        CAST(timezone(getvariable('timezone'), entered_at) AS DATE) AS entered_date
    FROM staged.crm_opportunity_stage
)
SELECT
    opportunity_id,
    stage,
    list_position(['need', 'evaluating', 'resolving', 'decision', 'implementing'], stage)::INTEGER AS stage_number,
    entered_at,
    entered_date,
    date_trunc('month', entered_date)::DATE AS month,
    date_trunc('quarter', entered_date)::DATE AS quarter
FROM entered
