-- domain.md, sections 2 and 3: the five stages of opportunities.
WITH stage AS (
    SELECT *, timezone(getvariable('timezone'), entered_at)::DATE AS entered_date FROM staged.crm_opportunity_stage
)
SELECT
    opportunity_id,
    stage,
    list_position(['need', 'evaluating', 'resolving', 'decision', 'implementing'], stage)::INT AS stage_number,
    entered_at,
    entered_date,
    date_trunc('month', entered_date)::DATE AS month,
    date_trunc('quarter', entered_date)::DATE AS quarter
FROM stage
