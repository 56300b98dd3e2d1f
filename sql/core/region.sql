/* ---
description: >
  Provinces with their region and country. An overseas country stands in the column province. The member `unknown`
  takes every place that the reference does not name.
owner: data-platform
key: [province]
columns:
  province: { type: string, title: { zh: 省份, en: Province }, description: "Province, or the country where it lies overseas." }
  region: { type: string, title: { zh: 大区, en: Region }, description: Sales region. }
  country: { type: string, title: { zh: 国家, en: Country }, description: Country. }
  is_domestic: { type: boolean, title: { zh: 是否国内, en: Is domestic }, description: "True for the home market; NULL for `unknown`." }
checks:
  - not_null: [province, region, country]
  - unique: [province]
  - not_null: [is_domestic]
    where: province <> 'unknown'
--- */
SELECT
    province,
    coalesce(region, 'unknown') AS region,
    coalesce(country, 'unknown') AS country,
    is_domestic
FROM staged.region
WHERE province <> 'unknown'
UNION ALL
SELECT 'unknown', 'unknown', 'unknown', CAST(NULL AS BOOLEAN)
