-- domain.md, section 2 and 3: the nine stages of complaints.
SELECT
    complaint_id,
    stage,
    date_trunc('month', timezone(getvariable('timezone'), entered_at))::DATE AS month,
    list_position(
        ['received', 'registered', 'analysed', 'dispatched', 'handled', 'answered', 'followed_up', 'evaluated', 'summarised'], stage
    )::INT AS stage_number,
    entered_at
FROM staged.complaint_stage
