/* ---
description: >
  What each campaign brought: contacts and opportunities that name it, and the margin of the opportunities won.
  won_margin is the sum over them of the expected amount times the margin rate of their product type in the year of
  closing: margin of revenue over that year's order lines that are no returns and have a known cost. A won opportunity
  without an expected amount, or whose product type sold nothing in that year, has no margin and is counted in
  unvalued_won_count; nothing won is a margin of 0, and where none of those won has a value it is NULL. return_ratio is
  won_margin of the cost, is_worth_repeating compares it with the policy as of run_date; both are NULL where the margin
  is, or the cost is not known or 0. Campaigns that begin after run_date are listed as delivered.
owner: marketing
key: [campaign_id]
columns:
  campaign_id: { type: string, title: { zh: 活动号, en: Campaign }, description: Number of the campaign. }
  contact_count: { type: bigint, unit: contacts, title: { zh: 接触数, en: Contacts }, description: Contacts that answer the campaign. }
  opportunity_count: { type: bigint, unit: opportunities, title: { zh: 商机数, en: Opportunities }, description: Opportunities that came from it. }
  won_margin: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 赢单毛利, en: Won margin }, description: Expected margin of the opportunities won. }
  cost_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 费用, en: Cost }, description: What it cost. }
  return_ratio: { type: double, unit: ratio, title: { zh: 投入产出比, en: Return }, description: Won margin of the cost. }
  is_worth_repeating: { type: boolean, title: { zh: 是否值得重复, en: Is worth repeating }, description: The return reaches that of the policy. }
  kind: { type: string, title: { zh: 类别, en: Kind }, description: "exhibition, advertising, seminar or promotion." }
  from_date: { type: date, title: { zh: 开始日期, en: From }, description: First day. }
  to_date: { type: date, title: { zh: 结束日期, en: To }, description: Last day. }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region; NULL for all. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type; NULL for all. }
  won_count: { type: bigint, unit: opportunities, title: { zh: 赢单数, en: Won }, description: Opportunities won. }
  unvalued_won_count: { type: bigint, unit: opportunities, title: { zh: 无法估值赢单数, en: Won without a value }, description: Those won whose margin is not known. }
checks:
  - not_null: [campaign_id, contact_count, opportunity_count, kind, from_date, won_count, unvalued_won_count]
  - expr: unvalued_won_count between 0 and won_count and won_count <= opportunity_count
  - expr: won_margin = 0
    where: won_count = 0
    name: nothing_won_is_no_margin
  - expr: (return_ratio is null) = (is_worth_repeating is null)
  - expr: (return_ratio is null) = (won_margin is null or coalesce(cost_amount, 0) = 0)
--- */
WITH margin_rate AS (
    SELECT
        CAST(date_part('year', order_month) AS INT) AS year,
        product_type,
        sum(margin) AS margin,
        sum(revenue) AS revenue
    FROM core.sales
    WHERE NOT is_return AND margin IS NOT NULL
    GROUP BY date_part('year', order_month), product_type
),

valued_opportunity AS (
    SELECT
        opportunity.campaign_id,
        opportunity.status = 'won' AS is_won,
        CASE WHEN opportunity.status = 'won'
            THEN CAST(opportunity.expected_amount AS DOUBLE) * CAST(margin_rate.margin AS DOUBLE) / nullif(CAST(margin_rate.revenue AS DOUBLE), 0)
        END AS won_margin
    FROM core.opportunity AS opportunity
    LEFT JOIN margin_rate
        ON margin_rate.year = date_part('year', opportunity.closed_date)
        AND margin_rate.product_type = opportunity.product_type
    WHERE opportunity.campaign_id IS NOT NULL
),

campaign_opportunity AS (
    SELECT
        campaign_id,
        count(*) AS opportunity_count,
        count(*) FILTER (WHERE is_won) AS won_count,
        count(*) FILTER (WHERE is_won AND won_margin IS NULL) AS unvalued_won_count,
        CAST(round(exact_sum(won_margin), 2) AS DECIMAL(18, 2)) AS won_margin
    FROM valued_opportunity
    GROUP BY campaign_id
),

campaign_contact AS (
    SELECT campaign_id, count(*) AS contact_count
    FROM core.contact
    WHERE campaign_id IS NOT NULL
    GROUP BY campaign_id
),

worth_repeating AS (
    SELECT max(value) AS from_ratio
    FROM core.policy
    WHERE key = 'sales.campaign.worth_repeating_ratio_from'
        AND in_force(valid_from, valid_to, $run_date)
),

measured_campaign AS (
    SELECT
        campaign.*,
        coalesce(contact.contact_count, 0) AS contact_count,
        coalesce(opportunity.opportunity_count, 0) AS opportunity_count,
        CASE WHEN coalesce(opportunity.won_count, 0) = 0 THEN 0 ELSE opportunity.won_margin END AS won_margin,
        coalesce(opportunity.won_count, 0) AS won_count,
        coalesce(opportunity.unvalued_won_count, 0) AS unvalued_won_count
    FROM core.campaign AS campaign
    LEFT JOIN campaign_opportunity AS opportunity ON opportunity.campaign_id = campaign.campaign_id
    LEFT JOIN campaign_contact AS contact ON contact.campaign_id = campaign.campaign_id
),

returned_campaign AS (
    SELECT *, CAST(won_margin AS DOUBLE) / nullif(CAST(cost_amount AS DOUBLE), 0) AS return_ratio
    FROM measured_campaign
)

SELECT
    campaign.campaign_id,
    campaign.contact_count,
    campaign.opportunity_count,
    CAST(campaign.won_margin AS DECIMAL(18, 2)) AS won_margin,
    campaign.cost_amount,
    campaign.return_ratio,
    round(campaign.return_ratio, 12) >= worth_repeating.from_ratio AS is_worth_repeating,
    campaign.kind,
    campaign.from_date,
    campaign.to_date,
    campaign.region,
    campaign.product_type,
    campaign.won_count,
    campaign.unvalued_won_count
FROM returned_campaign AS campaign
CROSS JOIN worth_repeating
