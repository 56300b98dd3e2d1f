-- domain.md, section 1, "Place", and section 3: provinces, and the member that takes what the reference does not name.
SELECT province, region, country, is_domestic FROM staged.region
UNION ALL
SELECT 'unknown', 'unknown', 'unknown', NULL
