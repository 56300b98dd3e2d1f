/* ---
description: >
  Opportunities as of run_date, with the customer and the members by which they are rolled up. One that closed after
  run_date is open, and so is one that is called won or lost without a day of closing; what the CRM calls open has no
  day of closing. The stage is the furthest one that the stage log holds up to run_date; without a log it is the
  stage as delivered. A closed opportunity takes the further one of the two, since its stage can no longer change.
  Place: the opportunity's own province, else the place of its account. Last activity: the later of the last stage
  entry and the last visit that names the opportunity, else the day on which it was opened. A competitor that no
  reference names is the brand `unknown`; without one main_competitor is NULL.
owner: sales-operations
key: [opportunity_id]
columns:
  opportunity_id: { type: string, title: { zh: 商机号, en: Opportunity }, description: Number of the opportunity. }
  account_id: { type: string, title: { zh: 客户号, en: Account }, description: Account as delivered. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: "Customer of the account, `unknown` where none is known." }
  opened_date: { type: date, title: { zh: 建立日期, en: Opened on }, description: Day of opening. }
  closed_date: { type: date, title: { zh: 关闭日期, en: Closed on }, description: Day of closing; NULL while open. }
  closed_quarter: { type: date, title: { zh: 关闭季度, en: Quarter of closing }, description: First day of the quarter of closing. }
  status: { type: string, title: { zh: 状态, en: Status }, description: "open, won or lost as of run_date." }
  stage: { type: string, title: { zh: 阶段, en: Stage }, description: "Furthest stage reached: need, evaluating, resolving, decision or implementing." }
  stage_number: { type: int, title: { zh: 阶段序号, en: Stage number }, description: "Place of the stage among the five, from 1; NULL where no stage is known." }
  kind: { type: string, title: { zh: 类别, en: Kind }, description: "normal or tender, `unknown` where not given." }
  sale_type: { type: string, title: { zh: 销售类型, en: Sale type }, description: "transactional, relational or cooperative, `unknown` where not given." }
  province: { type: string, title: { zh: 省份, en: Province }, description: "Member of core.region; a country overseas." }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  country: { type: string, title: { zh: 国家, en: Country }, description: Country. }
  industry: { type: string, title: { zh: 行业, en: Industry }, description: "Industry of the account, member of core.industry." }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: "Product type, `unknown` where no product has it." }
  expected_units: { type: bigint, unit: units, title: { zh: 预计台数, en: Expected units }, description: Units hoped for. }
  expected_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 预计金额, en: Expected amount }, description: Revenue hoped for. }
  probability: { type: double, unit: share, title: { zh: 成功概率, en: Probability }, description: "Probability of winning, 0..1." }
  quotes_compared_count: { type: bigint, unit: quotes, title: { zh: 比价家数, en: Quotes compared }, description: Quotes that the customer compares. }
  main_competitor: { type: string, title: { zh: 主要竞争品牌, en: Main competitor }, description: "Member of core.brand; NULL where none is named." }
  source_main_competitor: { type: string, title: { zh: 原始竞争品牌, en: Competitor as delivered }, description: Competitor as delivered. }
  lost_reason: { type: string, title: { zh: 丢单原因, en: Lost reason }, description: Why it was lost. }
  loss_report_filed_date: { type: date, title: { zh: 丢单报告日期, en: Loss report filed on }, description: Day of the loss report. }
  campaign_id: { type: string, title: { zh: 活动号, en: Campaign }, description: Campaign from which it came. }
  salesperson: { type: string, title: { zh: 销售员, en: Salesperson }, description: Seller. }
  last_stage_date: { type: date, title: { zh: 末次进入阶段日期, en: Last stage entry }, description: Local day of the last stage entry. }
  last_visit_date: { type: date, title: { zh: 末次拜访日期, en: Last visit }, description: Day of the last visit that names the opportunity. }
  last_activity_date: { type: date, title: { zh: 末次活动日期, en: Last activity }, description: "The later of the two, else the day of opening." }
checks:
  - not_null: [opportunity_id, account_id, customer_id, opened_date, status, kind, sale_type, province, region, country, industry, product_type, last_activity_date]
  - unique: [opportunity_id]
  - accepted_values: { column: status, values: [open, won, lost] }
  - accepted_values: { column: sale_type, values: [transactional, relational, cooperative, unknown] }
  - relationships: { column: province, to: core.region, field: province }
  - relationships: { column: main_competitor, to: core.brand, field: brand }
  - expr: (closed_date is null) = (status = 'open')
    name: closed_on_a_day
  - expr: (stage is null) = (stage_number is null)
  - expr: expected_units >= 0 and expected_amount >= 0 and probability between 0 and 1
    severity: warn
    name: plausible_expectations
  - expr: closed_date >= opened_date
    severity: warn
    name: closed_after_it_was_opened
  - relationships: { column: account_id, to: core.account, field: account_id }
    severity: warn
  - expr: region <> 'unknown' and product_type <> 'unknown'
    severity: warn
    name: codes_in_the_reference
  - relationships: { column: campaign_id, to: core.campaign, field: campaign_id }
    severity: warn
--- */
WITH logged_stage AS (
    SELECT
        opportunity_id,
        max(stage_number) AS stage_number,
        max(entered_date) AS last_stage_date
    FROM core.opportunity_stage
    GROUP BY opportunity_id
),

visited_opportunity AS (
    SELECT opportunity_id, max(visited_date) AS last_visit_date
    FROM core.visit
    WHERE opportunity_id IS NOT NULL
    GROUP BY opportunity_id
),

known_product_type AS (
    SELECT DISTINCT product_type FROM core.product
),

judged_opportunity AS (
    -- domain.md, section 1, "As of": what closed after run_date has lost its day of closing, and is open
    SELECT
        *,
        CASE WHEN closed_on IS NULL THEN 'open' ELSE status END AS status_as_of,
        -- domain.md, section 2, crm_opportunity: the order of the five
        CAST(array_position(['need', 'evaluating', 'resolving', 'decision', 'implementing'], stage) AS INT) AS delivered_stage_number
    FROM staged.crm_opportunity
),

followed_opportunity AS (
    SELECT
        opportunity.*,
        CASE
            WHEN opportunity.status_as_of = 'open' THEN coalesce(logged_stage.stage_number, opportunity.delivered_stage_number)
            ELSE greatest(logged_stage.stage_number, opportunity.delivered_stage_number)
        END AS stage_number,
        logged_stage.last_stage_date,
        visited_opportunity.last_visit_date
    FROM judged_opportunity AS opportunity
    LEFT JOIN logged_stage ON logged_stage.opportunity_id = opportunity.opportunity_id
    LEFT JOIN visited_opportunity ON visited_opportunity.opportunity_id = opportunity.opportunity_id
)

SELECT
    opportunity.opportunity_id,
    opportunity.account_id,
    coalesce(account.customer_id, 'unknown') AS customer_id,
    opportunity.opened_on AS opened_date,
    CASE WHEN opportunity.status_as_of <> 'open' THEN opportunity.closed_on END AS closed_date,
    CASE WHEN opportunity.status_as_of <> 'open' THEN CAST(date_trunc('quarter', opportunity.closed_on) AS DATE) END AS closed_quarter,
    opportunity.status_as_of AS status,
    array_element(['need', 'evaluating', 'resolving', 'decision', 'implementing'], opportunity.stage_number) AS stage,
    opportunity.stage_number,
    coalesce(opportunity.kind, 'unknown') AS kind,
    coalesce(opportunity.sale_type, 'unknown') AS sale_type,
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    coalesce(region.country, 'unknown') AS country,
    coalesce(account.industry, 'unknown') AS industry,
    coalesce(known_product_type.product_type, 'unknown') AS product_type,
    opportunity.expected_units,
    opportunity.expected_amount,
    opportunity.probability,
    CAST(opportunity.quotes_compared AS BIGINT) AS quotes_compared_count,
    CASE WHEN opportunity.main_competitor IS NOT NULL THEN coalesce(brand.brand, 'unknown') END AS main_competitor,
    opportunity.main_competitor AS source_main_competitor,
    opportunity.lost_reason,
    opportunity.loss_report_filed_on AS loss_report_filed_date,
    opportunity.campaign_id,
    opportunity.salesperson,
    opportunity.last_stage_date,
    opportunity.last_visit_date,
    coalesce(greatest(opportunity.last_stage_date, opportunity.last_visit_date), opportunity.opened_on) AS last_activity_date
FROM followed_opportunity AS opportunity
LEFT JOIN core.account AS account ON account.account_id = opportunity.account_id
LEFT JOIN core.region AS region ON region.province = coalesce(opportunity.province, account.province)
LEFT JOIN known_product_type ON known_product_type.product_type = opportunity.product_type
LEFT JOIN core.brand AS brand ON brand.brand = opportunity.main_competitor
