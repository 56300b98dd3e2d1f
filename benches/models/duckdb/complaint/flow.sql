-- domain.md, section 9: dwell is the time until the next stage that the complaint has entered.
WITH stayed AS (
    SELECT month, stage, stage_number, entered_at,
        lead(entered_at) OVER (PARTITION BY complaint_id ORDER BY stage_number) AS next_at
    FROM core.complaint_stage
),
summed AS (
    SELECT month, stage,
        median(date_diff('microsecond', entered_at, next_at) / 3.6e9) AS median_hours,
        quantile_cont(date_diff('microsecond', entered_at, next_at) / 3.6e9, 0.9) AS p90_hours,
        count(*) FILTER (next_at IS NULL AND stage_number < 9) AS stuck_count,
        count(*) AS entered_count
    FROM stayed GROUP BY ALL
),
listed AS (
    SELECT DISTINCT stage, stage_number, (month + to_months(n::INTEGER))::DATE AS month
    FROM core.complaint_stage CROSS JOIN range(24) AS later (n)
    WHERE month + to_months(n::INTEGER) <= getvariable('run_date')
)
SELECT month, stage, median_hours, p90_hours, coalesce(stuck_count, 0) AS stuck_count, coalesce(entered_count, 0) AS entered_count, stage_number
FROM listed LEFT JOIN summed USING (month, stage)
