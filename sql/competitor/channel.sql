/* ---
description: >
  Through which channels customers bought the machines that they have, by brand and year of purchase: the purchase
  date's, else the model year. The fleet is that of core.fleet, so machines that were sold on or scrapped before the
  census are not in it. The share is the channel's part of the brand's units of the year. Growth compares with the
  same channel a year before; a year that has not ended by run_date has none, since machines that are known by their
  model year alone cannot be cut at a month.
owner: market-research
key: [year, brand, purchase_channel]
columns:
  year: { type: int, title: { zh: 购入年份, en: Year }, description: Year of purchase. }
  brand: { type: string, title: { zh: 品牌, en: Brand }, description: Member of core.brand. }
  purchase_channel: { type: string, title: { zh: 购入渠道, en: Purchase channel }, description: "Channel, `unknown` where not given." }
  fleet_units: { type: bigint, unit: units, title: { zh: 购入台数, en: Fleet units }, description: Machines of the fleet bought in the year. }
  share: { type: double, unit: share, title: { zh: 渠道占比, en: Share }, description: "Part of the brand's units of the year." }
  growth: { type: double, unit: ratio, title: { zh: 增长率, en: Growth }, description: Growth against the year before. }
  brand_units: { type: bigint, unit: units, title: { zh: 品牌台数, en: Brand units }, description: Units of the brand of the year in all channels. }
  prior_units: { type: bigint, unit: units, title: { zh: 上年台数, en: Prior units }, description: "Units of the channel of the year before; NULL where there were none." }
checks:
  - not_null: [year, brand, purchase_channel, fleet_units, brand_units]
  - expr: fleet_units between 0 and brand_units
  - expr: share between 0 and 1
  - expr: growth >= -1
  - expr: (select sum(fleet_units) from competitor.channel) = (select sum(units) from core.fleet)
    name: every_machine_is_in_one_channel
  - relationships: { column: brand, to: core.brand, field: brand }
--- */
WITH channel_year AS (
    SELECT
        purchase_year AS year,
        brand,
        purchase_channel,
        sum(units) AS fleet_units
    FROM core.fleet
    GROUP BY purchase_year, brand, purchase_channel
)

SELECT
    this.year,
    this.brand,
    this.purchase_channel,
    this.fleet_units,
    CAST(this.fleet_units AS DOUBLE) / nullif(sum(this.fleet_units) OVER (PARTITION BY this.year, this.brand), 0) AS share,
    -- domain.md, section 1, "Periods": a year that is not over is in neither side of a growth
    CASE WHEN make_date(this.year, 12, 31) <= $run_date
        THEN CAST(this.fleet_units AS DOUBLE) / nullif(prior.fleet_units, 0) - 1
    END AS growth,
    CAST(sum(this.fleet_units) OVER (PARTITION BY this.year, this.brand) AS BIGINT) AS brand_units,
    prior.fleet_units AS prior_units
FROM channel_year AS this
LEFT JOIN channel_year AS prior
    ON prior.year = this.year - 1
    AND prior.brand = this.brand
    AND prior.purchase_channel = this.purchase_channel
