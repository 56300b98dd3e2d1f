-- domain.md, section 1, "Place", and section 3: products, and the member that takes what the reference does not name.
SELECT product_code, name, product_type, series, product_class, launch_date, standard_price::DOUBLE AS standard_price FROM staged.product
UNION ALL
SELECT 'unknown', 'unknown', 'unknown', 'unknown', 'unknown', NULL, NULL
