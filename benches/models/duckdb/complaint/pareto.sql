-- domain.md, section 9: defects of the trailing 12 months, with classes as for revenue grades.
WITH counted AS (
    SELECT product_type, defect, count(*) AS t12m_count, product_type <> 'unknown' AND defect <> 'unknown' AS is_known
    FROM core.complaint, core.latest_period
    WHERE month BETWEEN order_t12m_from AND order_month
    GROUP BY ALL
),
limited AS (
    SELECT max(value) FILTER (key = 'customer.revenue_grade.a_below') AS a_below, max(value) FILTER (key = 'customer.revenue_grade.b_below') AS b_below
    FROM core.policy
    WHERE valid_from <= getvariable('run_date') AND (valid_to IS NULL OR getvariable('run_date') < valid_to)
),
added AS (
    SELECT *,
        sum(t12m_count) OVER (PARTITION BY product_type, is_known ORDER BY t12m_count DESC, defect) AS upto,
        sum(t12m_count) OVER (PARTITION BY product_type, is_known) AS total
    FROM counted
)
SELECT product_type, defect, t12m_count,
    CASE WHEN is_known THEN upto / total::DOUBLE END AS cumulative_share,
    CASE
        WHEN NOT is_known THEN NULL
        WHEN round((upto - t12m_count) / total::DOUBLE, 12) < a_below THEN 'A'
        WHEN round((upto - t12m_count) / total::DOUBLE, 12) < b_below THEN 'B'
        ELSE 'C'
    END AS defect_class,
    order_t12m_from AS first_month, order_month AS last_month
FROM added, limited, core.latest_period
