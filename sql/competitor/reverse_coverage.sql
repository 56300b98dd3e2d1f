/* ---
description: >
  Were lost customers visited again (反向覆盖)? One row for each lost opportunity as soon as its window has passed, which
  is on its last day: the day of the loss and so many days after. Covered is an opportunity whose account had a visit
  after the day of the loss and within the window, whatever the visit was about. A loss report counts whenever it was
  filed up to run_date. first_visit_date is the first visit after the loss, be it too late.
owner: sales-operations
key: [opportunity_id]
columns:
  opportunity_id: { type: string, title: { zh: 商机号, en: Opportunity }, description: Number of the opportunity. }
  loss_report_filed: { type: boolean, title: { zh: 是否提交丢单报告, en: Loss report filed }, description: A loss report is there. }
  covered: { type: boolean, title: { zh: 是否反向覆盖, en: Covered }, description: A visit within the window. }
  lost_date: { type: date, title: { zh: 丢单日期, en: Lost on }, description: Day of the loss. }
  quarter: { type: date, title: { zh: 丢单季度, en: Quarter of the loss }, description: First day of the quarter. }
  account_id: { type: string, title: { zh: 客户号, en: Account }, description: Account. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer of the account. }
  province: { type: string, title: { zh: 省份, en: Province }, description: Place of the opportunity. }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  main_competitor: { type: string, title: { zh: 主要竞争品牌, en: Main competitor }, description: "Member of core.brand; NULL where nobody is named." }
  salesperson: { type: string, title: { zh: 销售员, en: Salesperson }, description: Seller. }
  window_end_date: { type: date, title: { zh: 覆盖期限, en: End of the window }, description: Last day of the window. }
  first_visit_date: { type: date, title: { zh: 丢单后首访日期, en: First visit after the loss }, description: First visit of the account after the loss. }
checks:
  - not_null: [opportunity_id, loss_report_filed, covered, lost_date, quarter, account_id, province]
  - expr: covered = coalesce(first_visit_date <= window_end_date, false)
  - expr: first_visit_date > lost_date
  - relationships: { column: opportunity_id, to: core.opportunity, field: opportunity_id }
--- */
WITH coverage_window AS (
    SELECT CAST(max(value) AS INT) AS days
    FROM core.policy
    WHERE key = 'competitor.reverse_coverage.window_days'
        AND in_force(valid_from, valid_to, $run_date)
),

lost_opportunity AS (
    SELECT
        opportunity.*,
        opportunity.closed_date + coverage_window.days AS window_end_date
    FROM core.opportunity AS opportunity
    CROSS JOIN coverage_window
    WHERE opportunity.status = 'lost'
),

visited_opportunity AS (
    SELECT
        opportunity.opportunity_id,
        min(visit.visited_date) AS first_visit_date
    FROM lost_opportunity AS opportunity
    JOIN core.visit AS visit
        ON visit.account_id = opportunity.account_id
        AND visit.visited_date > opportunity.closed_date
    GROUP BY opportunity.opportunity_id
)

SELECT
    opportunity.opportunity_id,
    opportunity.loss_report_filed_date IS NOT NULL AS loss_report_filed,
    coalesce(visited_opportunity.first_visit_date <= opportunity.window_end_date, false) AS covered,
    opportunity.closed_date AS lost_date,
    opportunity.closed_quarter AS quarter,
    opportunity.account_id,
    opportunity.customer_id,
    opportunity.province,
    opportunity.region,
    opportunity.product_type,
    opportunity.main_competitor,
    opportunity.salesperson,
    opportunity.window_end_date,
    visited_opportunity.first_visit_date
FROM lost_opportunity AS opportunity
LEFT JOIN visited_opportunity ON visited_opportunity.opportunity_id = opportunity.opportunity_id
WHERE opportunity.window_end_date <= $run_date
