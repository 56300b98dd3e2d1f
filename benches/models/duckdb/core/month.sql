-- domain.md, section 1, "Periods": months from the first fact up to run_date's, and which of them are complete.
WITH fact AS (
    SELECT DISTINCT month, true AS is_registration FROM staged.market_registration
    UNION ALL
    SELECT DISTINCT order_month, false FROM staged.dealer_sales
),
month AS (
    SELECT unnest(generate_series(min(month), date_trunc('month', getvariable('run_date')), INTERVAL 1 MONTH))::DATE AS month FROM fact
),
judged AS (
    SELECT
        month.month,
        last_day(month.month) AS last_date,
        last_day(month.month) <= getvariable('run_date') AND month.month IN (SELECT month FROM fact WHERE is_registration) AS is_registration_complete,
        last_day(month.month) <= getvariable('run_date') AND month.month IN (SELECT month FROM fact WHERE NOT is_registration) AS is_order_complete
    FROM month
)
SELECT
    month,
    last_date,
    date_trunc('quarter', month)::DATE AS quarter,
    year(month)::INT AS year,
    is_registration_complete,
    is_order_complete,
    max(CASE WHEN is_registration_complete THEN month END) OVER (ORDER BY month) AS registration_t12m_month,
    max(CASE WHEN is_order_complete THEN month END) OVER (ORDER BY month) AS order_t12m_month
FROM judged
