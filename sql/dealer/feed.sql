/* ---
description: >
  Who sent order lines, by month of the orders: a row for each month, from the first one with an order line to
  run_date's, and each dealer that was active in it or has lines in it. A dealer is expected when it had joined by the
  month's end and had not left by its first day; one whose leaving lies before its joining has come back. Lines count
  in the month of their order, whenever the file came; a corrected line counts once. Lines of dealers that no reference
  names are those of the dealer `unknown`, which is never expected.
owner: dealer-development
key: [month, dealer_code]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the month of the orders. }
  dealer_code: { type: string, title: { zh: 经销商编码, en: Dealer code }, description: Member of core.dealer. }
  is_expected: { type: boolean, title: { zh: 应报, en: Is expected }, description: The dealer was active in the month. }
  is_received: { type: boolean, title: { zh: 已报, en: Is received }, description: Order lines of the month are there. }
  row_count: { type: bigint, unit: rows, title: { zh: 行数, en: Rows }, description: Order lines served. }
  is_month_over: { type: boolean, title: { zh: 月份已结束, en: Is month over }, description: "The month had ended by run_date; before, a silent dealer may still send." }
checks:
  - not_null: [month, dealer_code, is_expected, is_received, row_count, is_month_over]
  - relationships: { column: dealer_code, to: core.dealer, field: dealer_code }
  - expr: is_received = (row_count > 0)
  - expr: is_expected or is_received
  - expr: dealer_code <> 'unknown' or not is_expected
    name: unknown_is_not_expected
  - expr: (SELECT coalesce(sum(row_count), 0) FROM dealer.feed) = (SELECT count(*) FROM core.sales)
    name: every_line_counts_once
--- */
WITH dealer_month AS (
    SELECT order_month AS month, dealer, count(*) AS row_count
    FROM core.sales
    GROUP BY order_month, dealer
),

expected_month AS (
    SELECT month.month, dealer.dealer_code AS dealer
    FROM core.month AS month
    CROSS JOIN core.dealer AS dealer -- allow join-without-equality: every dealer is looked at for each month
    WHERE dealer.dealer_code <> 'unknown'
        AND month.month >= (SELECT min(order_month) FROM core.sales)
        AND dealer.joined_date <= month.last_date
        AND (dealer.left_date IS NULL OR dealer.left_date > month.month OR dealer.left_date < dealer.joined_date)
),

expected_or_received AS (
    SELECT month, dealer, true AS is_expected, 0 AS row_count FROM expected_month
    UNION ALL
    SELECT month, dealer, false, row_count FROM dealer_month
),

fed_month AS (
    SELECT month, dealer, bool_or(is_expected) AS is_expected, CAST(sum(row_count) AS BIGINT) AS row_count
    FROM expected_or_received
    GROUP BY month, dealer
)

SELECT
    fed.month,
    fed.dealer AS dealer_code,
    fed.is_expected,
    fed.row_count > 0 AS is_received,
    fed.row_count,
    -- only the last month of core.month may be running; one that is complete has ended
    fed.month < last.month OR coalesce(month.is_order_complete OR month.is_registration_complete, false) AS is_month_over
FROM fed_month AS fed
LEFT JOIN core.month AS month ON month.month = fed.month
CROSS JOIN (SELECT max(month) AS month FROM core.month) AS last
