/* ---
description: >
  Provinces where we lose, in the latest complete year (twelve months with registrations, ended by run_date): our
  growth is below the market's and our share below our national one. The nation is the country of the province, for
  the same product type; an overseas country stands as its own province and is never below itself. Listed are the
  provinces and product types with a registration in that year or the year before. Growths are NULL where the year
  before lacks a month, had no units or is missing; is_weak is then NULL unless the share alone says no. units_lost
  is NULL where either year has no share.
owner: market-research
key: [province, product_type]
columns:
  province: { type: string, title: { zh: 省份, en: Province }, description: "Member of core.region; a country overseas." }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  own_growth: { type: double, unit: ratio, title: { zh: 自有增长率, en: Own growth }, description: Own units against the year before. }
  market_growth: { type: double, unit: ratio, title: { zh: 市场增长率, en: Market growth }, description: Market units against the year before. }
  own_share: { type: double, unit: share, title: { zh: 市场占有率, en: Own share }, description: Own units of market units. }
  national_own_share: { type: double, unit: share, title: { zh: 全国占有率, en: National own share }, description: "Own share in the country, same product type and year." }
  is_weak: { type: boolean, title: { zh: 是否薄弱, en: Is weak }, description: Growth and share are both below. }
  units_lost: { type: double, unit: units, title: { zh: 丢失台数, en: Units lost }, description: "Share lost since the year before times market units, at least 0." }
  year: { type: int, title: { zh: 年份, en: Year }, description: The latest complete year. }
  country: { type: string, title: { zh: 国家, en: Country }, description: The nation that it is compared with. }
  own_units: { type: bigint, unit: units, title: { zh: 自有销量, en: Own units }, description: Own units of the year. }
  market_units: { type: bigint, unit: units, title: { zh: 市场容量, en: Market units }, description: Market units of the year. }
  prior_own_share: { type: double, unit: share, title: { zh: 上年占有率, en: Prior own share }, description: Own share of the year before. }
checks:
  - not_null: [province, product_type, year, country, own_units, market_units]
  - unique: [province, product_type]
  - expr: own_units between 0 and market_units
  - expr: own_share between 0 and 1 and national_own_share between 0 and 1
  - expr: units_lost >= 0 and units_lost <= market_units
  - expr: own_growth < market_growth and own_share < national_own_share
    where: is_weak
    name: weak_means_both
--- */
WITH complete_year AS (
    -- domain.md, section 1, "Periods": each month has a registration
    SELECT year
    FROM core.month
    WHERE is_registration_complete
    GROUP BY year
    HAVING count(*) = 12
),

judged_year AS (
    SELECT
        latest.year,
        latest.year - 1 AS prior_year,
        prior.year IS NOT NULL AS has_prior_year
    FROM (SELECT max(year) AS year FROM complete_year) AS latest
    LEFT JOIN complete_year AS prior ON prior.year = latest.year - 1
),

province_year AS (
    SELECT
        CAST(date_part('year', month) AS INT) AS year,
        province,
        country,
        product_type,
        sum(units) AS market_units,
        sum(CASE WHEN is_own THEN units ELSE 0 END) AS own_units
    FROM core.registration
    GROUP BY date_part('year', month), province, country, product_type
),

compared_province AS (
    SELECT
        judged_year.year,
        province.province,
        province.product_type,
        -- one country for each known province; the unknown one may lie in several, the first by name stands for it
        min(province.country) AS country,
        coalesce(sum(CASE WHEN province.year = judged_year.year THEN province.market_units END), 0) AS market_units,
        coalesce(sum(CASE WHEN province.year = judged_year.year THEN province.own_units END), 0) AS own_units,
        sum(CASE WHEN province.year < judged_year.year AND judged_year.has_prior_year THEN province.market_units END) AS prior_market_units,
        sum(CASE WHEN province.year < judged_year.year AND judged_year.has_prior_year THEN province.own_units END) AS prior_own_units
    FROM province_year AS province
    JOIN judged_year ON province.year IN (judged_year.year, judged_year.prior_year)
    GROUP BY judged_year.year, province.province, province.product_type
),

nation AS (
    SELECT
        province.country,
        province.product_type,
        sum(province.market_units) AS market_units,
        sum(province.own_units) AS own_units
    FROM province_year AS province
    JOIN judged_year ON judged_year.year = province.year
    GROUP BY province.country, province.product_type
),

measured_province AS (
    SELECT
        province.*,
        CAST(province.own_units AS DOUBLE) / nullif(province.prior_own_units, 0) - 1 AS own_growth,
        CAST(province.market_units AS DOUBLE) / nullif(province.prior_market_units, 0) - 1 AS market_growth,
        CAST(province.own_units AS DOUBLE) / nullif(province.market_units, 0) AS own_share,
        CAST(province.prior_own_units AS DOUBLE) / nullif(province.prior_market_units, 0) AS prior_own_share,
        CAST(nation.own_units AS DOUBLE) / nullif(nation.market_units, 0) AS national_own_share
    FROM compared_province AS province
    LEFT JOIN nation ON nation.country = province.country AND nation.product_type = province.product_type
)

SELECT
    province,
    product_type,
    own_growth,
    market_growth,
    own_share,
    national_own_share,
    -- domain.md, section 5; computed doubles compare after rounding to 1e-12
    round(own_growth, 12) < round(market_growth, 12) AND round(own_share, 12) < round(national_own_share, 12) AS is_weak,
    CASE WHEN prior_own_share IS NOT NULL AND own_share IS NOT NULL
        THEN greatest(CAST(0 AS DOUBLE), prior_own_share - own_share) * market_units
    END AS units_lost,
    year,
    country,
    own_units,
    market_units,
    prior_own_share
FROM measured_province
