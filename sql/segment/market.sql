/* ---
description: >
  Size, growth, concentration and reach of every market segment and year. Units are all registrations of the year up to
  run_date; growth and the three-year rate compare complete months only, against the same months of the earlier year,
  and are NULL where one of those months has no registrations at all. prior_market_units counts those same months. HHI
  takes the brands that no reference names as one brand. is_measurable: both units and a price are known. is_sufficient
  is NULL where the units suffice and the growth is not known. A dealer of the region sold machines when it has a
  machine line (no return) ordered in the year; a segment of the region `unknown` has no dealer. Segments with an
  unknown region, product type or industry are not ranked. A region of several countries carries the country `several`.
owner: market-research
key: [year, region, product_type, industry]
partition_by: [year]
tags: [annual]
columns:
  year: { type: int, title: { zh: 年份, en: Year }, description: Year of registration. }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  industry: { type: string, title: { zh: 行业, en: Industry }, description: Industry. }
  country: { type: string, title: { zh: 国家, en: Country }, description: Country of the region. }
  industry_group: { type: string, title: { zh: 行业大类, en: Industry group }, description: Upper level of the industry. }
  market_units: { type: bigint, unit: units, title: { zh: 市场容量, en: Market units }, description: Registered units of all brands. }
  own_units: { type: bigint, unit: units, title: { zh: 自有销量, en: Own units }, description: Registered units of own brands. }
  own_share: { type: double, unit: share, title: { zh: 市场占有率, en: Own share }, description: Own units of market units. }
  prior_market_units: { type: bigint, unit: units, title: { zh: 上年同期容量, en: Prior market units }, description: "Market units of the year before, in the months covered." }
  market_growth: { type: double, unit: ratio, title: { zh: 市场增长率, en: Market growth }, description: Growth against the same months of the year before. }
  market_cagr_3y: { type: double, unit: ratio, title: { zh: 三年复合增长率, en: Three-year growth rate }, description: Yearly rate against the same months three years before. }
  hhi: { type: double, unit: index 0..1, title: { zh: 集中度, en: HHI }, description: Sum of the squared shares of the brands. }
  capacity_rank: { type: bigint, title: { zh: 容量排名, en: Capacity rank }, description: Rank by market units within the year. }
  average_price: { type: double, unit: reporting currency, title: { zh: 市场均价, en: Average price }, description: Units-weighted average price of the priced units. }
  is_measurable: { type: boolean, title: { zh: 可衡量, en: Is measurable }, description: Units and price are known. }
  is_sufficient: { type: boolean, title: { zh: 足够大, en: Is sufficient }, description: Large enough and not shrinking. }
  is_reachable: { type: boolean, title: { zh: 可进入, en: Is reachable }, description: A dealer of the region that stays sold machines that year. }
  months_covered: { type: bigint, unit: months, title: { zh: 覆盖月数, en: Months covered }, description: Complete months of the year. }
  covered_market_units: { type: bigint, unit: units, title: { zh: 可比容量, en: Covered market units }, description: "Market units in the months covered: what growth compares." }
checks:
  - not_null: [year, region, product_type, industry, country, industry_group, market_units, own_units, is_measurable, is_reachable, months_covered]
  - unique: [year, region, product_type, industry]
  - expr: own_units between 0 and market_units
  - expr: own_share between 0 and 1
  - expr: hhi > 0 and hhi <= 1.000000000001
  - expr: months_covered between 0 and 12
  - expr: covered_market_units <= market_units
  - expr: is_sufficient is not null or market_growth is null
  - expr: market_growth >= -1 and market_cagr_3y >= -1
  - expr: capacity_rank is null
    where: region = 'unknown' or product_type = 'unknown' or industry = 'unknown'
    name: unknown_is_not_ranked
  - relationships: { column: industry, to: core.industry, field: industry }
--- */
SELECT
    year,
    region,
    product_type,
    industry,
    country,
    industry_group,
    market_units,
    own_units,
    own_share,
    prior_market_units,
    market_growth,
    market_cagr_3y,
    hhi,
    -- ranks leave the unknown members out
    CASE WHEN is_known
        THEN CAST(rank() OVER (PARTITION BY year, is_known ORDER BY market_units DESC NULLS LAST) AS BIGINT)
    END AS capacity_rank,
    average_price,
    is_measurable,
    is_sufficient,
    is_reachable,
    months_covered,
    covered_market_units
FROM segment.market_measure
WHERE price_tier = 'all'
