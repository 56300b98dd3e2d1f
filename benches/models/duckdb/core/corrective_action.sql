-- domain.md, section 3: actions opened by run_date; what was done or verified later is not known yet.
SELECT
    action_no,
    date_trunc('month', opened_on)::DATE AS month,
    coalesce(origin, 'unknown') AS origin,
    complaint_id,
    coalesce(defect, 'unknown') AS defect,
    coalesce(party_kind, 'unknown') AS party_kind,
    coalesce(party, 'unknown') AS party,
    opened_on AS opened_date,
    due_on AS due_date,
    done_on AS done_date,
    verified_on AS verified_date
FROM staged.corrective_action
