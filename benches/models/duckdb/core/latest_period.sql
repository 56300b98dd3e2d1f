-- domain.md, section 1, "Periods": the latest complete month and year, by registrations and by order lines.
WITH registered AS (
    SELECT max(month) AS month FROM core.month WHERE is_registration_complete
),
ordered AS (
    SELECT max(month) AS month FROM core.month WHERE is_order_complete
),
registered_year AS (
    SELECT max(year) AS year FROM (SELECT year FROM core.month WHERE is_registration_complete GROUP BY year HAVING count(*) = 12)
),
ordered_year AS (
    SELECT max(year) AS year FROM (SELECT year FROM core.month WHERE is_order_complete GROUP BY year HAVING count(*) = 12)
)
SELECT registered.month AS registration_month, (registered.month - INTERVAL 11 MONTH)::DATE AS registration_t12m_from, ordered.month AS order_month,
    (ordered.month - INTERVAL 11 MONTH)::DATE AS order_t12m_from, registered_year.year AS registration_year, ordered_year.year AS order_year
FROM registered, ordered, registered_year, ordered_year
