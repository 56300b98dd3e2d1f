-- domain.md, section 9: complaints for each 100 machines, both of the trailing 12 months.
WITH complained AS (
    SELECT month, series, count(*) AS complaint_count FROM core.complaint GROUP BY ALL
),
sold AS (
    SELECT order_month AS month, series, sum(units)::BIGINT AS units FROM core.sales WHERE line_kind = 'machine' AND NOT is_return GROUP BY ALL
),
event AS (
    SELECT month, series, coalesce(complaint_count, 0) AS complaint_count, coalesce(units, 0) AS units FROM complained FULL JOIN sold USING (month, series)
),
listed AS (
    SELECT DISTINCT series, (month + to_months(n::INTEGER))::DATE AS month
    FROM event CROSS JOIN range(24) AS later (n)
    WHERE month + to_months(n::INTEGER) <= getvariable('run_date')
),
summed AS (
    SELECT listed.month, listed.series, any_value(is_order_complete) AS is_complete, any_value(order_t12m_month) AS t12m_month,
        CASE WHEN any_value(order_t12m_month) IS NOT NULL THEN coalesce(sum(complaint_count), 0)::BIGINT END AS t12m_complaint_count,
        CASE WHEN any_value(order_t12m_month) IS NOT NULL THEN coalesce(sum(units), 0)::BIGINT END AS t12m_units
    FROM listed
    LEFT JOIN core.month AS month ON month.month = listed.month
    LEFT JOIN event ON event.series = listed.series AND event.month > order_t12m_month - INTERVAL 12 MONTH AND event.month <= order_t12m_month
    GROUP BY listed.month, listed.series
),
rated AS (
    SELECT *, 100 * t12m_complaint_count / nullif(t12m_units, 0)::DOUBLE AS rate FROM summed
)
SELECT one.month, one.series, one.rate AS complaints_per_100_units_rate,
    CASE WHEN one.is_complete AND prior.is_complete THEN one.rate - prior.rate END AS rate_change_mom,
    one.t12m_complaint_count, one.t12m_units, one.t12m_month
FROM rated AS one
LEFT JOIN rated AS prior ON prior.series = one.series AND prior.month = one.month - INTERVAL 1 MONTH
