/* ---
description: >
  Who sent files of order lines, by the month in which they were captured: a row for each month, from the first one
  with a file or an order line to run_date's (which stands alone before there is one), and each dealer that was active
  in it, sent a file in it or has order lines of it. Every file counts once, so that file_count, row_count and
  rejected_count add up over the months to what was read; what was captured after run_date has not come yet. A file
  belongs to the dealer in whose folder it lies, else to the one before the first `_` of its name, else to the dealer
  `unknown`, which is never expected. It was captured on the date that is its version; without one the contract takes
  it for the earliest, so it counts in the table's first month. A dealer is expected when it had joined by the month's
  end and had not left by its first day; one whose leaving lies before its joining has come back. Who sends once a
  quarter has is_received in one month of three: silent_month_count goes 0, 1, 2 then, and more means that it did not
  send. order_line_count says for which months of orders lines came, whenever they did.
owner: dealer-development
key: [month, dealer_code]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the month of capture. }
  dealer_code: { type: string, title: { zh: 经销商编码, en: Dealer code }, description: Member of core.dealer. }
  is_expected: { type: boolean, title: { zh: 应报, en: Is expected }, description: The dealer was active in the month. }
  is_received: { type: boolean, title: { zh: 已报, en: Is received }, description: A file came in the month. }
  file_count: { type: bigint, unit: files, title: { zh: 文件数, en: Files }, description: "Files captured in the month, corrected ones too." }
  row_count: { type: bigint, unit: rows, title: { zh: 行数, en: Rows }, description: "Rows in these files, rejected and replaced ones too." }
  rejected_count: { type: bigint, unit: rows, title: { zh: 拒收行数, en: Rejected rows }, description: Rows of these files that the contract rejects. }
  silent_month_count: { type: bigint, unit: months, title: { zh: 未报月数, en: Months without a file }, description: "Months since the last one with a file, 0 with one; NULL before the first." }
  order_line_count: { type: bigint, unit: rows, title: { zh: 订单行数, en: Order lines }, description: "Order lines of the month's orders that are served, whenever their file came; a corrected line counts once." }
  is_month_over: { type: boolean, title: { zh: 月份已结束, en: Is month over }, description: "The month had ended by run_date; before, a silent dealer may still send." }
checks:
  - not_null: [month, dealer_code, is_expected, is_received, file_count, row_count, rejected_count, order_line_count, is_month_over]
  - relationships: { column: dealer_code, to: core.dealer, field: dealer_code }
  - expr: is_received = (file_count > 0)
  - expr: rejected_count between 0 and row_count
  - expr: file_count > 0 or row_count = 0
  - expr: is_expected or is_received or order_line_count > 0
  - expr: is_received = (coalesce(silent_month_count, 1) = 0)
  - expr: silent_month_count >= 0
  - expr: dealer_code <> 'unknown' or not is_expected
    name: unknown_is_not_expected
  - expr: (SELECT coalesce(sum(file_count), 0) FROM dealer.feed) <= (SELECT count(*) FROM ops.file WHERE source = 'dealer_sales')
    name: no_file_counts_twice
  - expr: (SELECT coalesce(sum(order_line_count), 0) FROM dealer.feed) = (SELECT count(*) FROM core.sales)
    name: every_line_counts_once
--- */
WITH sent_file AS (
    -- domain.md, section 2: the contract names the capture; where it is no date there is none
    SELECT
        split_part(path, '/', 1) AS folder,
        split_part(regexp_replace(path, '^.*/', ''), '_', 1) AS name_start,
        TRY_CAST(regexp_replace(version, '^([0-9]{4})-?([0-9]{2})-?([0-9]{2})([^0-9].*)?$', '\1-\2-\3') AS DATE) AS captured_date,
        row_count,
        rejected_count
    FROM ops.file
    WHERE source = 'dealer_sales'
),

captured_file AS (
    SELECT
        CAST(date_trunc('month', file.captured_date) AS DATE) AS month,
        coalesce(folder_dealer.dealer_code, name_dealer.dealer_code, 'unknown') AS dealer,
        file.row_count,
        file.rejected_count
    FROM sent_file AS file
    LEFT JOIN core.dealer AS folder_dealer ON folder_dealer.dealer_code = file.folder
    LEFT JOIN core.dealer AS name_dealer ON name_dealer.dealer_code = file.name_start
    WHERE file.captured_date IS NULL OR file.captured_date <= $run_date
),

file_month AS (
    SELECT month, dealer, count(*) AS file_count, sum(row_count) AS row_count, sum(rejected_count) AS rejected_count
    FROM captured_file
    GROUP BY month, dealer
),

ordered_month AS (
    SELECT order_month AS month, dealer, count(*) AS order_line_count
    FROM core.sales
    GROUP BY order_month, dealer
),

first_month AS (
    SELECT coalesce(min(month), CAST(date_trunc('month', $run_date) AS DATE)) AS month
    FROM (SELECT month FROM file_month UNION SELECT month FROM ordered_month) AS sent_month
),

listed_month AS (
    SELECT unnest(generate_series(month, CAST(date_trunc('month', $run_date) AS DATE), INTERVAL '1 month')) AS month
    FROM first_month
),

expected_month AS (
    SELECT month.month, dealer.dealer_code AS dealer
    FROM listed_month AS month
    CROSS JOIN core.dealer AS dealer
    WHERE dealer.dealer_code <> 'unknown'
        AND dealer.joined_date < month.month + INTERVAL '1 month'
        AND (dealer.left_date IS NULL OR dealer.left_date > month.month OR dealer.left_date < dealer.joined_date)
),

expected_or_sent AS (
    SELECT month, dealer, true AS is_expected, 0 AS file_count, 0 AS row_count, 0 AS rejected_count, 0 AS order_line_count
    FROM expected_month
    UNION ALL
    SELECT coalesce(file.month, first.month), file.dealer, false, file.file_count, file.row_count, file.rejected_count, 0
    FROM file_month AS file
    CROSS JOIN first_month AS first
    UNION ALL
    SELECT month, dealer, false, 0, 0, 0, order_line_count
    FROM ordered_month
),

fed_month AS (
    SELECT
        month,
        dealer,
        bool_or(is_expected) AS is_expected,
        CAST(sum(file_count) AS BIGINT) AS file_count,
        CAST(sum(row_count) AS BIGINT) AS row_count,
        CAST(sum(rejected_count) AS BIGINT) AS rejected_count,
        CAST(sum(order_line_count) AS BIGINT) AS order_line_count
    FROM expected_or_sent
    GROUP BY month, dealer
),

followed_month AS (
    SELECT
        *,
        max(CASE WHEN file_count > 0 THEN month END) OVER (PARTITION BY dealer ORDER BY month) AS last_file_month
    FROM fed_month
)

SELECT
    month,
    dealer AS dealer_code,
    is_expected,
    file_count > 0 AS is_received,
    file_count,
    row_count,
    rejected_count,
    CAST(
        12 * (date_part('year', month) - date_part('year', last_file_month)) + date_part('month', month) - date_part('month', last_file_month)
        AS BIGINT
    ) AS silent_month_count,
    order_line_count,
    month < CAST(date_trunc('month', $run_date + INTERVAL '1 day') AS DATE) AS is_month_over
FROM followed_month
