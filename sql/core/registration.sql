/* ---
description: >
  Market registrations, one row per line of the restated monthly extract, with the members by which markets are
  rolled up. A province, industry or brand that no reference names is the member `unknown`; the words of the extract
  stay beside it in the source columns, which make up the key. Place: the province, or the country where that is not
  the home market. Price tier: the line's price against the units-weighted average price of all its month's and
  product type's lines that carry one; a line without a price has the tier `unknown`, and so has one
  of a market without a price above 0.
owner: market-research
key: [month, source_province, source_country, product_type, source_industry, source_brand]
partition_by: [month]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the month of registration. }
  province: { type: string, title: { zh: 省份, en: Province }, description: "Member of core.region; a country overseas." }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  country: { type: string, title: { zh: 国家, en: Country }, description: Country. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  industry: { type: string, title: { zh: 行业, en: Industry }, description: Member of core.industry. }
  industry_group: { type: string, title: { zh: 行业大类, en: Industry group }, description: Upper level of the industry. }
  brand: { type: string, title: { zh: 品牌, en: Brand }, description: Member of core.brand. }
  is_own: { type: boolean, title: { zh: 是否自有, en: Is own }, description: The brand's role is own. }
  units: { type: bigint, unit: units, title: { zh: 销量, en: Units }, description: Registered units. }
  average_price: { type: double, unit: reporting currency, title: { zh: 均价, en: Average price }, description: Average price of the units. }
  market_price: { type: double, unit: reporting currency, title: { zh: 市场均价, en: Market price }, description: "Units-weighted average price of the month and product type." }
  price_tier: { type: string, title: { zh: 价格档, en: Price tier }, description: "low, middle, high or unknown." }
  source_province: { type: string, title: { zh: 原省份, en: Province as delivered }, description: Province as delivered. }
  source_country: { type: string, title: { zh: 原国家, en: Country as delivered }, description: Country as delivered. }
  source_industry: { type: string, title: { zh: 原行业, en: Industry as delivered }, description: Industry as delivered. }
  source_brand: { type: string, title: { zh: 原品牌, en: Brand as delivered }, description: Brand as delivered. }
checks:
  - not_null: [month, province, region, country, product_type, industry, industry_group, brand, is_own, units, price_tier]
  - unique: [month, source_province, source_country, product_type, source_industry, source_brand]
  - accepted_values: { column: price_tier, values: [low, middle, high, unknown] }
  - relationships: { column: province, to: core.region, field: province }
  - relationships: { column: industry, to: core.industry, field: industry }
  - relationships: { column: brand, to: core.brand, field: brand }
  - expr: month = date_trunc('month', month)
  - expr: units >= 0
  - expr: average_price > 0
    severity: warn
  - expr: (price_tier = 'unknown') = (average_price is null or coalesce(market_price, 0) = 0)
    name: every_price_has_a_tier
  - expr: brand <> 'unknown'
    severity: warn
    name: brand_in_the_reference
  - expr: region <> 'unknown'
    severity: warn
    name: province_in_the_reference
--- */
WITH home_country AS (
    SELECT DISTINCT country FROM core.region WHERE is_domestic
),

placed_line AS (
    -- domain.md, section 1, "Place": by province at home, by country overseas
    SELECT
        line.*,
        CASE
            WHEN line.country IS NOT NULL AND home_country.country IS NULL THEN line.country
            ELSE line.province
        END AS place
    FROM staged.market_registration AS line
    LEFT JOIN home_country ON home_country.country = line.country
),

member_line AS (
    SELECT
        line.month,
        coalesce(region.province, 'unknown') AS province,
        coalesce(region.region, 'unknown') AS region,
        coalesce(region.country, line.country, 'unknown') AS country,
        coalesce(line.product_type, 'unknown') AS product_type,
        coalesce(industry.industry, 'unknown') AS industry,
        coalesce(industry.industry_group, 'unknown') AS industry_group,
        coalesce(brand.brand, 'unknown') AS brand,
        coalesce(brand.is_own, false) AS is_own,
        line.units,
        line.average_price,
        line.province AS source_province,
        line.country AS source_country,
        line.industry AS source_industry,
        line.brand AS source_brand
    FROM placed_line AS line
    LEFT JOIN core.region AS region ON region.province = line.place
    LEFT JOIN core.industry AS industry ON industry.industry = line.industry
    LEFT JOIN core.brand AS brand ON brand.brand = line.brand
),

priced_line AS (
    -- the market's price: sums that no order of adding changes, and the division last
    SELECT
        *,
        exact_sum(average_price * units) OVER (PARTITION BY month, product_type)
            / nullif(CAST(sum(CASE WHEN average_price IS NOT NULL THEN units END) OVER (PARTITION BY month, product_type) AS DOUBLE), 0)
            AS market_price
    FROM member_line
),

tier_limit AS (
    -- domain.md, section 3: low < 0.85 <= middle < 1.15 <= high
    SELECT
        valid_from,
        valid_to,
        value,
        key
    FROM core.policy
    WHERE key IN ('registration.price_tier_low_below', 'registration.price_tier_high_from')
),

month_limit AS (
    -- the policy in force on the last day of the month
    SELECT
        month.month,
        max(CASE WHEN tier_limit.key = 'registration.price_tier_low_below' THEN tier_limit.value END) AS low_below_ratio,
        max(CASE WHEN tier_limit.key = 'registration.price_tier_high_from' THEN tier_limit.value END) AS high_from_ratio
    FROM core.month AS month
    JOIN tier_limit -- allow join-without-equality: a validity range over two policies
        ON in_force(tier_limit.valid_from, tier_limit.valid_to, month.last_date)
    GROUP BY month.month
)

SELECT
    line.month,
    line.province,
    line.region,
    line.country,
    line.product_type,
    line.industry,
    line.industry_group,
    line.brand,
    line.is_own,
    line.units,
    CAST(line.average_price AS DOUBLE) AS average_price,
    line.market_price,
    CASE
        WHEN line.average_price IS NULL OR coalesce(line.market_price, 0) = 0 THEN 'unknown'
        WHEN round(CAST(line.average_price AS DOUBLE) / line.market_price, 12) < month_limit.low_below_ratio THEN 'low'
        WHEN round(CAST(line.average_price AS DOUBLE) / line.market_price, 12) < month_limit.high_from_ratio THEN 'middle'
        WHEN round(CAST(line.average_price AS DOUBLE) / line.market_price, 12) >= month_limit.high_from_ratio THEN 'high'
        ELSE 'unknown'
    END AS price_tier,
    line.source_province,
    line.source_country,
    line.source_industry,
    line.source_brand
FROM priced_line AS line
LEFT JOIN month_limit ON month_limit.month = line.month
