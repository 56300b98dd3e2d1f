-- domain.md, section 8: revenue of six complete months against that of the six before.
WITH sold AS (
    SELECT order_month AS month, coalesce(channel, 'unknown') AS channel, region, sum(revenue) AS revenue, sum(units)::BIGINT AS units
    FROM core.sales
    GROUP BY ALL
),
listed AS (
    SELECT DISTINCT channel, region, (month + to_months(n::INTEGER))::DATE AS month
    FROM sold CROSS JOIN range(24) AS later (n)
    WHERE month + to_months(n::INTEGER) <= getvariable('run_date')
),
compared_month AS (
    -- the six months end with the latest complete one; all twelve must be complete
    SELECT one.month, one.order_t12m_month AS last_month, one.last_date
    FROM core.month AS one
    JOIN core.month AS past ON past.is_order_complete AND past.month > one.order_t12m_month - INTERVAL 12 MONTH AND past.month <= one.order_t12m_month
    GROUP BY ALL
    HAVING count(*) = 12
),
compared AS (
    SELECT listed.month, channel, region,
        sum(sold.revenue) FILTER (sold.month > last_month - INTERVAL 6 MONTH) AS now_revenue,
        sum(sold.revenue) FILTER (sold.month <= last_month - INTERVAL 6 MONTH) AS prior_revenue,
        any_value(last_date) AS last_date
    FROM listed JOIN compared_month USING (month)
    JOIN sold USING (channel, region)
    WHERE sold.month > last_month - INTERVAL 12 MONTH AND sold.month <= last_month
    GROUP BY listed.month, channel, region
),
grown AS (
    SELECT month, channel, region, last_date, coalesce(now_revenue, 0)::DOUBLE / nullif(prior_revenue, 0)::DOUBLE - 1 AS growth
    FROM compared
)
SELECT
    listed.month, listed.channel, listed.region,
    coalesce(sold.revenue, 0)::DECIMAL(18, 2) AS revenue,
    coalesce(sold.units, 0) AS units,
    growth AS revenue_growth,
    CASE WHEN growth IS NULL THEN NULL WHEN round(growth, 12) >= policy.value THEN 'rising' WHEN round(growth, 12) <= -policy.value THEN 'falling' ELSE 'flat' END AS trend
FROM listed
LEFT JOIN sold USING (month, channel, region)
LEFT JOIN grown USING (month, channel, region)
LEFT JOIN core.policy ON policy.key = 'dealer.channel_trend.rising_from' AND policy.valid_from <= last_date AND (policy.valid_to IS NULL OR last_date < policy.valid_to)
