-- domain.md, section 5: lost opportunities whose window for a visit has passed.
WITH lost AS (
    SELECT opportunity_id, loss_report_filed_date IS NOT NULL AS loss_report_filed, closed_date AS lost_date, closed_quarter AS quarter, account_id,
        customer_id, province, region, product_type, main_competitor, salesperson, closed_date + value::INT AS window_end_date
    FROM core.opportunity
    JOIN core.policy ON key = 'competitor.reverse_coverage.window_days' AND valid_from <= getvariable('run_date')
        AND (valid_to IS NULL OR valid_to > getvariable('run_date'))
    WHERE status = 'lost'
),
visited AS (
    SELECT lost.opportunity_id, min(visited_date) AS first_visit_date
    FROM lost JOIN core.visit USING (account_id)
    WHERE visited_date > lost_date
    GROUP BY lost.opportunity_id
)
SELECT opportunity_id, loss_report_filed, coalesce(first_visit_date <= window_end_date, false) AS covered, lost_date, quarter, account_id, customer_id,
    province, region, product_type, main_competitor, salesperson, window_end_date, first_visit_date
FROM lost LEFT JOIN visited USING (opportunity_id)
WHERE window_end_date <= getvariable('run_date')
