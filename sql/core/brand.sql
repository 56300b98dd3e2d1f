/* ---
description: >
  Brands with their role in the market. A brand that is the benchmark of a product type keeps the role of the
  reference and is flagged here. The member `unknown` takes the units of every brand that the reference does not
  name.
owner: market-research
key: [brand]
columns:
  brand: { type: string, title: { zh: 品牌, en: Brand }, description: Code of the brand. }
  role: { type: string, title: { zh: 角色, en: Role }, description: "own, competitor, benchmark or unknown." }
  competition_level: { type: string, title: { zh: 竞争层次, en: Competition level }, description: "brand, industry, form or budget." }
  strategic_intent: { type: string, title: { zh: 战略意图, en: Strategic intent }, description: What the brand is after. }
  is_own: { type: boolean, title: { zh: 是否自有, en: Is own }, description: Role is own. }
  is_benchmark: { type: boolean, title: { zh: 是否标杆, en: Is benchmark }, description: The brand is the benchmark of at least one product type. }
checks:
  - not_null: [brand, role, is_own, is_benchmark]
  - unique: [brand]
  - accepted_values: { column: role, values: [own, competitor, benchmark, unknown] }
--- */
WITH benchmark_brand AS (
    SELECT DISTINCT brand FROM staged.benchmark
)

SELECT
    brand.brand,
    coalesce(brand.role, 'unknown') AS role,
    brand.competition_level,
    brand.strategic_intent,
    coalesce(brand.role = 'own', false) AS is_own,
    benchmark_brand.brand IS NOT NULL AS is_benchmark
FROM staged.brand AS brand
LEFT JOIN benchmark_brand ON benchmark_brand.brand = brand.brand
WHERE brand.brand <> 'unknown'
UNION ALL
SELECT 'unknown', 'unknown', CAST(NULL AS VARCHAR), CAST(NULL AS VARCHAR), false, false
