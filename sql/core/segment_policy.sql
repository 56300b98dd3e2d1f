/* ---
description: >
  How well a segment fits our strategy and which share of it we want, with the days on which that applies
  (domain.md, section 1, "Policy").
owner: market-research
key: [region, product_type, industry, valid_from]
columns:
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  industry: { type: string, title: { zh: 行业, en: Industry }, description: Industry. }
  strategic_fit: { type: double, unit: 0..1, title: { zh: 战略契合度, en: Strategic fit }, description: How well the segment fits. }
  target_share: { type: double, unit: share, title: { zh: 目标份额, en: Target share }, description: Share of the market that we want. }
  valid_from: { type: date, title: { zh: 生效日期, en: Valid from }, description: First day on which the row applies. }
  valid_to: { type: date, title: { zh: 失效日期, en: Valid to }, description: "First day on which it no longer applies; NULL for the row in force." }
checks:
  - not_null: [region, product_type, industry, valid_from]
  - range: { column: strategic_fit, min: 0, max: 1 }
  - range: { column: target_share, min: 0, max: 1 }
  - expr: valid_to > valid_from
--- */
SELECT
    region,
    product_type,
    industry,
    strategic_fit,
    target_share,
    valid_from,
    lead(valid_from) OVER (PARTITION BY region, product_type, industry ORDER BY valid_from) AS valid_to
FROM staged.segment_policy
