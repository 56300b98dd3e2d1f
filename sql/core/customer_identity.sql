/* ---
description: Interim, one row per customer, until identification stands.
key: [customer_id]
--- */
WITH mention AS (
    SELECT customer_id, customer_name AS name, tax_id, phone, country, province, city, industry,
           CAST(NULL AS VARCHAR) AS kind, CAST(NULL AS VARCHAR) AS credit_grade, CAST(NULL AS VARCHAR) AS relationship_level,
           order_date AS seen_date, 'dealer_sales' AS source
    FROM staged.dealer_sales
    UNION ALL
    SELECT customer_id, name, tax_id, phone, country, province, city, industry, kind, credit_grade, relationship_level,
           CAST(NULL AS DATE), 'crm_account'
    FROM staged.crm_account
    UNION ALL
    SELECT customer_id, customer_name, tax_id, phone, country, province, NULL, NULL, NULL, NULL, NULL, local_date(received_at, 'Asia/Shanghai'), 'complaint'
    FROM staged.complaint
    UNION ALL
    SELECT customer_id, customer_name, NULL, phone, NULL, NULL, NULL, NULL, NULL, NULL, NULL, local_date(contacted_at, 'Asia/Shanghai'), 'contact_log'
    FROM staged.contact_log
)

SELECT
    customer_id,
    max(name) AS name,
    name_key(max(name)) AS name_key,
    max(tax_id) AS tax_id,
    CAST(NULL AS VARCHAR) AS phone,
    max(country) AS country,
    max(province) AS province,
    max(city) AS city,
    max(industry) AS industry,
    max(kind) AS kind,
    max(credit_grade) AS credit_grade,
    max(relationship_level) AS relationship_level,
    min(seen_date) AS first_seen_date,
    count(*) AS record_count,
    count(DISTINCT source) AS source_count
FROM mention
WHERE customer_id IS NOT NULL
GROUP BY customer_id
