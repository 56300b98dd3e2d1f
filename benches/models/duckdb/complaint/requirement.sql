-- domain.md, section 9: topics ranked within month and channel, graded as a Pareto.
WITH counted AS (
    SELECT month, channel, topic, count(*) AS count, channel <> 'unknown' AND topic <> 'unknown' AS is_known FROM core.contact GROUP BY ALL
),
added AS (
    SELECT *,
        rank() OVER (PARTITION BY month, channel, is_known ORDER BY count DESC) AS rank,
        sum(count) OVER (PARTITION BY month, channel, is_known ORDER BY count DESC, topic ROWS UNBOUNDED PRECEDING) - count AS before,
        sum(count) OVER (PARTITION BY month, channel, is_known) AS total
    FROM counted
),
limited AS (
    SELECT month, max(value) FILTER (key = 'customer.revenue_grade.a_below') AS a_below, max(value) FILTER (key = 'customer.revenue_grade.b_below') AS b_below
    FROM (SELECT DISTINCT month FROM counted)
    JOIN core.policy ON valid_from <= last_day(month) AND (valid_to IS NULL OR last_day(month) < valid_to)
    GROUP BY month
)
SELECT month, channel, topic, count, CASE WHEN is_known THEN rank END AS rank,
    CASE WHEN NOT is_known THEN NULL WHEN round(before / total::DOUBLE, 12) < a_below THEN 'A' WHEN round(before / total::DOUBLE, 12) < b_below THEN 'B' ELSE 'C' END AS grade
FROM added LEFT JOIN limited USING (month)
