-- domain.md, section 3: brands, and the member that takes what the reference does not name.
SELECT brand, role, competition_level, strategic_intent, role = 'own' AS is_own, brand IN (SELECT brand FROM staged.benchmark) AS is_benchmark
FROM staged.brand
UNION ALL
SELECT 'unknown', 'unknown', NULL, NULL, false, false
