-- domain.md, section 3: industries, and the member that takes what the reference does not name.
SELECT industry, industry_group, is_core, is_served FROM staged.industry
UNION ALL
SELECT 'unknown', 'unknown', NULL, NULL
