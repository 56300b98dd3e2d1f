/* ---
description: >
  How much of what we lose is reported and visited again, by quarter of the loss and province. report_rate is of all
  lost opportunities, coverage_rate of those whose window has passed (competitor.reverse_coverage). never_reported_units
  are the units that other brands registered in the quarter and province beyond the expected units of the
  opportunities lost there, product type by product type: what we never fought for. Every brand that is not own counts,
  an unknown one too; an opportunity without expected units counts 0. A quarter and province has a row when it has a
  lost opportunity or a registration of another brand; without a loss the rates are NULL.
owner: sales-operations
key: [quarter, province]
columns:
  quarter: { type: date, title: { zh: 季度, en: Quarter }, description: First day of the quarter. }
  province: { type: string, title: { zh: 省份, en: Province }, description: "Member of core.region; a country overseas." }
  lost_count: { type: bigint, unit: opportunities, title: { zh: 丢单数, en: Lost }, description: Opportunities lost in the quarter. }
  report_rate: { type: double, unit: share, title: { zh: 丢单报告率, en: Report rate }, description: Lost ones with a loss report. }
  coverage_rate: { type: double, unit: share, title: { zh: 反向覆盖率, en: Coverage rate }, description: "Covered ones, of those whose window has passed." }
  never_reported_units: { type: bigint, unit: units, title: { zh: 从未上报台数, en: Never reported units }, description: Units of other brands beyond those of lost opportunities. }
  reported_count: { type: bigint, unit: opportunities, title: { zh: 已报告数, en: Reported }, description: Lost ones with a loss report. }
  judged_count: { type: bigint, unit: opportunities, title: { zh: 可评覆盖数, en: Judged }, description: Lost ones whose window has passed. }
  competitor_units: { type: bigint, unit: units, title: { zh: 竞品销量, en: Competitor units }, description: Registered units of other brands. }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region of the province. }
checks:
  - not_null: [quarter, province, lost_count, never_reported_units, reported_count, judged_count, competitor_units, region]
  - expr: report_rate between 0 and 1 and coverage_rate between 0 and 1
  - expr: never_reported_units between 0 and competitor_units
  - expr: reported_count <= lost_count and judged_count <= lost_count
  - relationships: { column: province, to: core.region, field: province }
  - expr: (select sum(lost_count) from competitor.loss_reporting) = (select count(*) from core.opportunity where status = 'lost')
    name: every_loss_counts_once
  - expr: (select sum(competitor_units) from competitor.loss_reporting) = (select sum(units) from core.registration where not is_own)
    name: every_unit_of_others_counts_once
--- */
WITH loss_and_unit AS (
    -- lost opportunities and units of other brands, one below the other
    SELECT
        opportunity.closed_quarter AS quarter,
        opportunity.province,
        opportunity.product_type,
        1 AS lost_count,
        CASE WHEN opportunity.loss_report_filed_date IS NOT NULL THEN 1 ELSE 0 END AS reported_count,
        CASE WHEN coverage.opportunity_id IS NOT NULL THEN 1 ELSE 0 END AS judged_count,
        CASE WHEN coverage.covered THEN 1 ELSE 0 END AS covered_count,
        coalesce(opportunity.expected_units, 0) AS lost_units,
        0 AS competitor_units
    FROM core.opportunity AS opportunity
    LEFT JOIN competitor.reverse_coverage AS coverage ON coverage.opportunity_id = opportunity.opportunity_id
    WHERE opportunity.status = 'lost'
    UNION ALL
    SELECT CAST(date_trunc('quarter', month) AS DATE), province, product_type, 0, 0, 0, 0, 0, units
    FROM core.registration
    WHERE NOT is_own
),

product_quarter AS (
    SELECT
        quarter,
        province,
        product_type,
        sum(lost_count) AS lost_count,
        sum(reported_count) AS reported_count,
        sum(judged_count) AS judged_count,
        sum(covered_count) AS covered_count,
        sum(competitor_units) AS competitor_units,
        greatest(sum(competitor_units) - sum(lost_units), 0) AS never_reported_units
    FROM loss_and_unit
    GROUP BY quarter, province, product_type
),

province_quarter AS (
    SELECT
        quarter,
        province,
        CAST(sum(lost_count) AS BIGINT) AS lost_count,
        CAST(sum(reported_count) AS BIGINT) AS reported_count,
        CAST(sum(judged_count) AS BIGINT) AS judged_count,
        sum(covered_count) AS covered_count,
        CAST(sum(competitor_units) AS BIGINT) AS competitor_units,
        CAST(sum(never_reported_units) AS BIGINT) AS never_reported_units
    FROM product_quarter
    GROUP BY quarter, province
)

SELECT
    this.quarter,
    this.province,
    this.lost_count,
    CAST(this.reported_count AS DOUBLE) / nullif(this.lost_count, 0) AS report_rate,
    CAST(this.covered_count AS DOUBLE) / nullif(this.judged_count, 0) AS coverage_rate,
    this.never_reported_units,
    this.reported_count,
    this.judged_count,
    this.competitor_units,
    coalesce(region.region, 'unknown') AS region
FROM province_quarter AS this
LEFT JOIN core.region AS region ON region.province = this.province
