-- domain.md, section 8: who did not send, by month of capture.
WITH file AS (
    SELECT
        date_trunc('month', captured)::DATE AS month, captured, row_count, rejected_count,
        CASE
            WHEN split_part(path, '/', 1) IN (SELECT dealer_code FROM core.dealer) THEN split_part(path, '/', 1)
            WHEN split_part(parse_filename(path), '_', 1) IN (SELECT dealer_code FROM core.dealer) THEN split_part(parse_filename(path), '_', 1)
            ELSE 'unknown'
        END AS dealer_code
    FROM (SELECT *, try_cast(try_strptime(left(replace(version, '-', ''), 8), '%Y%m%d') AS DATE) AS captured FROM ops.file WHERE source = 'dealer_sales')
    WHERE captured IS NULL OR captured <= getvariable('run_date')
),
ordered AS (
    SELECT order_month AS month, dealer AS dealer_code, count(*) AS order_line_count FROM core.sales GROUP BY ALL
),
listed AS (
    SELECT unnest(generate_series(coalesce((SELECT min(month) FROM (SELECT month FROM file UNION ALL SELECT month FROM ordered)), date_trunc('month', getvariable('run_date'))), getvariable('run_date'), INTERVAL 1 MONTH))::DATE AS month
),
dated AS (
    SELECT * REPLACE (coalesce(month, (SELECT min(month) FROM listed)) AS month) FROM file
),
sent AS (
    SELECT month, dealer_code, count(*) AS file_count, sum(row_count)::BIGINT AS row_count, sum(rejected_count)::BIGINT AS rejected_count FROM dated GROUP BY ALL
),
expected AS (
    SELECT month, dealer_code
    FROM listed JOIN core.dealer ON dealer_code <> 'unknown' AND joined_date <= last_day(month)
        AND (left_date IS NULL OR left_date > month OR left_date < joined_date)
),
shown AS (
    SELECT month, dealer_code FROM expected UNION SELECT month, dealer_code FROM sent UNION SELECT month, dealer_code FROM ordered
)
SELECT
    shown.month, shown.dealer_code, expected.month IS NOT NULL AS is_expected, sent.month IS NOT NULL AS is_received,
    coalesce(file_count, 0) AS file_count, coalesce(row_count, 0) AS row_count, coalesce(rejected_count, 0) AS rejected_count,
    date_diff('month', (SELECT max(past.month) FROM sent AS past WHERE past.dealer_code = shown.dealer_code AND past.month <= shown.month), shown.month) AS silent_month_count,
    coalesce(order_line_count, 0) AS order_line_count, last_day(shown.month) <= getvariable('run_date') AS is_month_over
FROM shown
LEFT JOIN expected USING (month, dealer_code) LEFT JOIN sent USING (month, dealer_code) LEFT JOIN ordered USING (month, dealer_code)
