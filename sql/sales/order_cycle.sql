/* ---
description: >
  How long orders take, by dealer and month of the order. An order is a dealer's order number with a line that is no
  return; its month is that of its earliest order date. Received, checked, shipped and accepted come from the
  order's stage log, as local dates: received is the first entry; checked is the first entry whose check said yes;
  shipped and accepted are the last entries. A step that the log does not hold is taken from the order's lines: the
  order date, and the days that core.sales_order has for the others. Stage entries of an
  order without lines belong to no order. On time: accepted on or before the latest promise of the lines, over the
  orders with a promise that are accepted or whose promised day lies before run_date, as for an overdue action. First
  pass: both checks said yes at attempt 1, over the orders of which both first attempts have a result or one said
  no. Months without an order, up to 23 after the dealer's last one, have count 0 and no figures. Dealers that the
  reference does not name are together the dealer `unknown`.
owner: sales-operations
key: [month, dealer_code]
partition_by: [month]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the month of the order. }
  dealer_code: { type: string, title: { zh: 经销商编码, en: Dealer code }, description: Member of core.dealer. }
  median_received_to_checked_days: { type: double, unit: days, title: { zh: 接收至核对中位天数, en: Median days received to checked }, description: Calendar days. }
  p90_received_to_checked_days: { type: double, unit: days, title: { zh: 接收至核对90分位天数, en: 90 % quantile received to checked }, description: Calendar days. }
  median_checked_to_shipped_days: { type: double, unit: days, title: { zh: 核对至发运中位天数, en: Median days checked to shipped }, description: Calendar days. }
  p90_checked_to_shipped_days: { type: double, unit: days, title: { zh: 核对至发运90分位天数, en: 90 % quantile checked to shipped }, description: Calendar days. }
  median_shipped_to_accepted_days: { type: double, unit: days, title: { zh: 发运至接收中位天数, en: Median days shipped to accepted }, description: Calendar days. }
  p90_shipped_to_accepted_days: { type: double, unit: days, title: { zh: 发运至接收90分位天数, en: 90 % quantile shipped to accepted }, description: Calendar days. }
  median_received_to_accepted_days: { type: double, unit: days, title: { zh: 接单至顾客接收中位天数, en: Median days received to accepted }, description: Calendar days. }
  p90_received_to_accepted_days: { type: double, unit: days, title: { zh: 接单至顾客接收90分位天数, en: 90 % quantile received to accepted }, description: Calendar days. }
  on_time_rate: { type: double, unit: share, title: { zh: 准时率, en: On time }, description: "Of those accepted or past their promise, accepted by the promised day." }
  first_pass_rate: { type: double, unit: share, title: { zh: 一次核对通过率, en: First pass }, description: Both checks yes at the first attempt. }
  orders_count: { type: bigint, unit: orders, title: { zh: 订单数, en: Orders }, description: Orders of the month. }
checks:
  - not_null: [month, dealer_code, orders_count]
  - unique: [month, dealer_code]
  - relationships: { column: dealer_code, to: core.dealer, field: dealer_code }
  - expr: on_time_rate between 0 and 1 and first_pass_rate between 0 and 1
  - expr: orders_count > 0 or (on_time_rate is null and first_pass_rate is null and median_received_to_accepted_days is null)
    name: no_figures_without_orders
  - expr: p90_received_to_accepted_days >= median_received_to_accepted_days
  - expr: median_received_to_accepted_days >= 0
    severity: warn
--- */
WITH logged_order AS (
    -- order_check and sales_order_check: the answer at the first attempt, 1 for yes and 0 for no
    SELECT
        dealer_code,
        order_no,
        min(CASE WHEN stage = 'received' THEN entered_date END) AS received_date,
        min(CASE WHEN stage = 'checked' AND result THEN entered_date END) AS checked_date,
        max(CASE WHEN stage = 'shipped' THEN entered_date END) AS shipped_date,
        max(CASE WHEN stage = 'accepted' THEN entered_date END) AS accepted_date,
        max(CASE WHEN stage = 'checked' AND attempt = 1 THEN CAST(result AS INT) END) AS order_check,
        max(CASE WHEN stage = 'confirmed' AND attempt = 1 THEN CAST(result AS INT) END) AS sales_order_check
    FROM core.order_stage -- allow partition-column-unused: an order passes its stages in several months
    GROUP BY dealer_code, order_no
),

timed_order AS (
    SELECT
        placed.order_month AS month,
        placed.dealer,
        placed.promised_date,
        coalesce(logged.received_date, placed.order_date) AS received_date,
        coalesce(logged.checked_date, placed.checked_date) AS checked_date,
        coalesce(logged.shipped_date, placed.shipped_date) AS shipped_date,
        coalesce(logged.accepted_date, placed.accepted_date) AS accepted_date,
        CASE
            WHEN logged.order_check = 0 OR logged.sales_order_check = 0 THEN 0
            WHEN logged.order_check = 1 AND logged.sales_order_check = 1 THEN 1
        END AS first_pass
    FROM core.sales_order AS placed
    LEFT JOIN logged_order AS logged
        ON logged.dealer_code = placed.dealer_code
        AND logged.order_no = placed.order_no
),

measured_order AS (
    SELECT
        month,
        dealer,
        CAST(checked_date - received_date AS DOUBLE) AS received_to_checked_days,
        CAST(shipped_date - checked_date AS DOUBLE) AS checked_to_shipped_days,
        CAST(accepted_date - shipped_date AS DOUBLE) AS shipped_to_accepted_days,
        CAST(accepted_date - received_date AS DOUBLE) AS received_to_accepted_days,
        CASE
            WHEN promised_date IS NULL THEN NULL
            WHEN accepted_date <= promised_date THEN 1
            WHEN accepted_date IS NOT NULL OR promised_date < $run_date THEN 0
        END AS on_time,
        first_pass
    FROM timed_order
),

dealer_month AS (
    SELECT
        month,
        dealer,
        exact_quantile(received_to_checked_days, 0.5) AS median_received_to_checked_days,
        exact_quantile(received_to_checked_days, 0.9) AS p90_received_to_checked_days,
        exact_quantile(checked_to_shipped_days, 0.5) AS median_checked_to_shipped_days,
        exact_quantile(checked_to_shipped_days, 0.9) AS p90_checked_to_shipped_days,
        exact_quantile(shipped_to_accepted_days, 0.5) AS median_shipped_to_accepted_days,
        exact_quantile(shipped_to_accepted_days, 0.9) AS p90_shipped_to_accepted_days,
        exact_quantile(received_to_accepted_days, 0.5) AS median_received_to_accepted_days,
        exact_quantile(received_to_accepted_days, 0.9) AS p90_received_to_accepted_days,
        CAST(sum(on_time) AS DOUBLE) / nullif(count(on_time), 0) AS on_time_rate,
        CAST(sum(first_pass) AS DOUBLE) / nullif(count(first_pass), 0) AS first_pass_rate,
        count(*) AS orders_count
    FROM measured_order
    GROUP BY month, dealer
),

row_span AS (
    -- domain.md, section 1: a row for each month, up to run_date's, within 24 months of one with an order of the same
    -- dealer; each month with orders brings the empty months before the next one
    SELECT
        *,
        month AS month_with_orders,
        least(
            CAST(month + INTERVAL '23 months' AS DATE),
            CAST(date_trunc('month', $run_date) AS DATE),
            CAST(lead(month) OVER (PARTITION BY dealer ORDER BY month) - INTERVAL '1 month' AS DATE)
        ) AS last_month
    FROM dealer_month
),

listed_row AS (
    SELECT
        row_span.*,
        unnest(generate_series(month_with_orders, last_month, INTERVAL '1 month')) AS listed_month
    FROM row_span
)

SELECT
    listed_month AS month,
    dealer AS dealer_code,
    CASE WHEN listed_month = month_with_orders THEN median_received_to_checked_days END AS median_received_to_checked_days,
    CASE WHEN listed_month = month_with_orders THEN p90_received_to_checked_days END AS p90_received_to_checked_days,
    CASE WHEN listed_month = month_with_orders THEN median_checked_to_shipped_days END AS median_checked_to_shipped_days,
    CASE WHEN listed_month = month_with_orders THEN p90_checked_to_shipped_days END AS p90_checked_to_shipped_days,
    CASE WHEN listed_month = month_with_orders THEN median_shipped_to_accepted_days END AS median_shipped_to_accepted_days,
    CASE WHEN listed_month = month_with_orders THEN p90_shipped_to_accepted_days END AS p90_shipped_to_accepted_days,
    CASE WHEN listed_month = month_with_orders THEN median_received_to_accepted_days END AS median_received_to_accepted_days,
    CASE WHEN listed_month = month_with_orders THEN p90_received_to_accepted_days END AS p90_received_to_accepted_days,
    CASE WHEN listed_month = month_with_orders THEN on_time_rate END AS on_time_rate,
    CASE WHEN listed_month = month_with_orders THEN first_pass_rate END AS first_pass_rate,
    CASE WHEN listed_month = month_with_orders THEN orders_count ELSE 0 END AS orders_count
FROM listed_row
