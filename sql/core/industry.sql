/* ---
description: >
  Customer industries at two levels. The member `unknown` takes every industry that neither the reference nor its
  aliases name; whether it is core or served is not known.
owner: market-research
key: [industry]
columns:
  industry: { type: string, title: { zh: 行业, en: Industry }, description: Industry. }
  industry_group: { type: string, title: { zh: 行业大类, en: Industry group }, description: Upper level. }
  is_core: { type: boolean, title: { zh: 是否核心行业, en: Is core }, description: The industry belongs to the core business. }
  is_served: { type: boolean, title: { zh: 是否服务, en: Is served }, description: We sell to the industry. }
checks:
  - not_null: [industry, industry_group]
  - unique: [industry]
--- */
SELECT
    industry,
    coalesce(industry_group, 'unknown') AS industry_group,
    is_core,
    is_served
FROM staged.industry
WHERE industry <> 'unknown'
UNION ALL
SELECT 'unknown', 'unknown', CAST(NULL AS BOOLEAN), CAST(NULL AS BOOLEAN)
