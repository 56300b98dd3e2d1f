/* ---
kind: view
description: >
  Where a customer sits. `place` is its country overseas, else its province, as core.region names them; NULL where
  neither is known. `country` is NULL where nobody says it. A view, since several models fall back on it.
--- */
WITH home_country AS (
    SELECT DISTINCT country FROM core.region WHERE is_domestic
)

SELECT
    customer.customer_id,
    customer.country,
    -- domain.md, section 1, "Place": by country overseas, else by province
    CASE
        WHEN customer.country IS NOT NULL AND home_country.country IS NULL THEN customer.country
        ELSE customer.province
    END AS place
FROM core.customer_identity AS customer
LEFT JOIN home_country ON home_country.country = customer.country
