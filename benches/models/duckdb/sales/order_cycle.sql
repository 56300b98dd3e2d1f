-- domain.md, section 7: calendar days between the stages of an order, by dealer and month of the order.
WITH logged AS (
    SELECT
        dealer_code,
        order_no,
        min(entered_date) FILTER (stage = 'received') AS received_date,
        min(entered_date) FILTER (stage = 'checked' AND result) AS checked_date,
        max(entered_date) FILTER (stage = 'shipped') AS shipped_date,
        max(entered_date) FILTER (stage = 'accepted') AS accepted_date,
        bool_or(result) FILTER (stage = 'checked' AND attempt = 1) AS first_check,
        bool_or(result) FILTER (stage = 'confirmed' AND attempt = 1) AS first_confirmation
    FROM core.order_stage
    GROUP BY dealer_code, order_no
),
timed AS (
    SELECT
        sale.order_month AS month,
        sale.dealer AS dealer_code,
        coalesce(logged.received_date, sale.order_date) AS received_date,
        coalesce(logged.checked_date, sale.checked_date) AS checked_date,
        coalesce(logged.shipped_date, sale.shipped_date) AS shipped_date,
        coalesce(logged.accepted_date, sale.accepted_date) AS accepted_date,
        sale.promised_date,
        logged.first_check AND logged.first_confirmation AS is_first_pass
    FROM core.sales_order AS sale LEFT JOIN logged USING (dealer_code, order_no)
),
judged AS (
    SELECT
        month,
        dealer_code,
        date_diff('day', received_date, checked_date)::DOUBLE AS received_to_checked,
        date_diff('day', checked_date, shipped_date)::DOUBLE AS checked_to_shipped,
        date_diff('day', shipped_date, accepted_date)::DOUBLE AS shipped_to_accepted,
        date_diff('day', received_date, accepted_date)::DOUBLE AS received_to_accepted,
        CASE
            WHEN promised_date IS NULL THEN NULL
            WHEN accepted_date IS NOT NULL THEN accepted_date <= promised_date
            WHEN promised_date < getvariable('run_date') THEN FALSE
        END AS is_on_time,
        is_first_pass
    FROM timed
),
measured AS (
    SELECT
        month,
        dealer_code,
        quantile_cont(received_to_checked, [0.5, 0.9]) AS received_to_checked,
        quantile_cont(checked_to_shipped, [0.5, 0.9]) AS checked_to_shipped,
        quantile_cont(shipped_to_accepted, [0.5, 0.9]) AS shipped_to_accepted,
        quantile_cont(received_to_accepted, [0.5, 0.9]) AS received_to_accepted,
        count(*) FILTER (is_on_time)::DOUBLE / nullif(count(is_on_time), 0) AS on_time_rate,
        count(*) FILTER (is_first_pass)::DOUBLE / nullif(count(is_first_pass), 0) AS first_pass_rate,
        count(*) AS orders_count
    FROM judged
    GROUP BY month, dealer_code
),
-- domain.md, section 1: a row for each month within 24 months of one with an order, up to the run date's
spanned AS (
    SELECT DISTINCT dealer_code, unnest(generate_series(month, month + INTERVAL 23 MONTH, INTERVAL 1 MONTH))::DATE AS month FROM measured
)
SELECT
    spanned.month,
    spanned.dealer_code,
    received_to_checked[1] AS median_received_to_checked_days,
    received_to_checked[2] AS p90_received_to_checked_days,
    checked_to_shipped[1] AS median_checked_to_shipped_days,
    checked_to_shipped[2] AS p90_checked_to_shipped_days,
    shipped_to_accepted[1] AS median_shipped_to_accepted_days,
    shipped_to_accepted[2] AS p90_shipped_to_accepted_days,
    received_to_accepted[1] AS median_received_to_accepted_days,
    received_to_accepted[2] AS p90_received_to_accepted_days,
    on_time_rate,
    first_pass_rate,
    coalesce(orders_count, 0) AS orders_count
FROM spanned
LEFT JOIN measured USING (month, dealer_code)
WHERE spanned.month <= getvariable('run_date')
