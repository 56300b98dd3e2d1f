-- domain.md, section 9: what became of corrective actions, by month of opening.
WITH action AS (
    SELECT *, due_date < getvariable('run_date') AS is_past_due,
        (SELECT value FROM core.policy WHERE key = 'complaint.corrective_action.recurrence_days'
            AND valid_from <= last_day(month) AND (valid_to IS NULL OR last_day(month) < valid_to)) AS recurrence_days
    FROM core.corrective_action
),
recurred AS (
    SELECT DISTINCT action.action_no
    FROM action
    JOIN action AS again ON again.defect = action.defect AND again.party_kind = action.party_kind AND again.party = action.party AND again.action_no <> action.action_no
        AND again.opened_date > action.verified_date AND again.opened_date - action.verified_date <= action.recurrence_days
    WHERE action.defect <> 'unknown' AND action.party <> 'unknown'
),
judged AS (
    SELECT action.*, due_date IS NOT NULL AND (verified_date IS NOT NULL OR is_past_due) AS is_judged, recurred.action_no IS NOT NULL AS has_recurred
    FROM action LEFT JOIN recurred USING (action_no)
),
summed AS (
    SELECT month, origin, party_kind, party,
        count(*) AS opened_count,
        avg(coalesce(verified_date <= due_date, false)::INTEGER) FILTER (is_judged) AS verified_in_time_rate,
        count(*) FILTER (is_past_due AND done_date IS NULL AND verified_date IS NULL) AS overdue_count,
        median(verified_date - opened_date)::DOUBLE AS median_days,
        count(*) FILTER (has_recurred) AS recurred_count,
        count(*) FILTER (is_judged) AS judged_count,
        count(verified_date) AS verified_count
    FROM judged GROUP BY ALL
),
listed AS (
    SELECT DISTINCT origin, party_kind, party, (month + to_months(n::INTEGER))::DATE AS month
    FROM core.corrective_action CROSS JOIN range(24) AS later (n)
    WHERE month + to_months(n::INTEGER) <= getvariable('run_date')
)
SELECT month, origin, party_kind, party, coalesce(opened_count, 0) AS opened_count, verified_in_time_rate, coalesce(overdue_count, 0) AS overdue_count,
    median_days, coalesce(recurred_count, 0) AS recurred_count, coalesce(judged_count, 0) AS judged_count, coalesce(verified_count, 0) AS verified_count
FROM listed LEFT JOIN summed USING (month, origin, party_kind, party)
