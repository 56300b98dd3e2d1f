/* ---
description: >
  All that is known of a customer in one row: who it is, what it brings, whether it still comes, what it thinks of us and
  what waits to be done. Every figure is that of the table whose name its column carries in its description. Satisfaction
  is the mean overall score in the last survey that the customer answered; complaints and alerts are those open on
  run_date. The phone number stays in core.customer.
owner: customer-management
key: [customer_id]
columns:
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: Customer. }
  name: { type: string, title: { zh: 客户名称, en: Name }, description: Name of the customer. }
  group_id: { type: string, title: { zh: 集团编号, en: Group }, description: Group of core.customer. }
  tax_id: { type: string, title: { zh: 统一社会信用代码, en: Tax ID }, description: Tax id where known. }
  country: { type: string, title: { zh: 国家, en: Country }, description: Country. }
  province: { type: string, title: { zh: 省份, en: Province }, description: "Province, or the country overseas." }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  industry: { type: string, title: { zh: 行业, en: Industry }, description: Industry. }
  industry_group: { type: string, title: { zh: 行业大类, en: Industry group }, description: Upper level of the industry. }
  kind: { type: string, title: { zh: 客户类别, en: Kind }, description: Kind of customer. }
  credit_grade: { type: string, title: { zh: 信用等级, en: Credit grade }, description: A to D. }
  manager: { type: string, title: { zh: 客户经理, en: Manager }, description: Manager on run_date. }
  is_key_account: { type: boolean, title: { zh: 是否大客户, en: Is key account }, description: The group is a key account (customer.key_account). }
  relationship: { type: string, title: { zh: 客户关系, en: Relationship }, description: "existing, competitor, outside_industry or prospect." }
  first_order_date: { type: date, title: { zh: 首次订单日期, en: First order }, description: Day of the first order. }
  last_order_date: { type: date, title: { zh: 最近订单日期, en: Last order }, description: Day of the last order. }
  revenue: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 滚动12月收入, en: T12m revenue }, description: Revenue of customer.revenue_grade. }
  revenue_rank: { type: bigint, title: { zh: 收入排名, en: Revenue rank }, description: Rank of customer.revenue_grade. }
  revenue_grade: { type: string, title: { zh: 收入等级, en: Revenue grade }, description: "A, B or C." }
  r_score: { type: double, unit: points 1..5, title: { zh: R得分, en: R score }, description: Of customer.rfm; NULL without an order in its window. }
  f_score: { type: double, unit: points 1..5, title: { zh: F得分, en: F score }, description: Of customer.rfm. }
  m_score: { type: double, unit: points 1..5, title: { zh: M得分, en: M score }, description: Of customer.rfm. }
  rfm_class: { type: string, title: { zh: 客户价值类型, en: RFM class }, description: Class of customer.rfm. }
  contribution: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 贡献, en: Contribution }, description: Of customer.profit. }
  profit_rank: { type: bigint, title: { zh: 贡献排名, en: Profit rank }, description: Of customer.profit. }
  is_unprofitable: { type: boolean, title: { zh: 是否亏损, en: Is unprofitable }, description: Of customer.profit. }
  lifetime_value_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 客户终身价值, en: Lifetime value }, description: Of customer.lifetime_value. }
  churn_state: { type: string, title: { zh: 流失状态, en: Churn state }, description: State of customer.churn. }
  recency_days: { type: bigint, unit: days, title: { zh: 距上次订单天数, en: Recency }, description: Days since the last order. }
  expected_interval_days: { type: double, unit: days, title: { zh: 预期订购间隔, en: Expected interval }, description: Of customer.churn. }
  wallet_share: { type: double, unit: share, title: { zh: 钱包份额, en: Wallet share }, description: Own part of its whole fleet (customer.loyalty). }
  fleet_units: { type: bigint, unit: units, title: { zh: 保有量, en: Fleet }, description: Machines of all brands (customer.wallet). }
  ladder: { type: string, title: { zh: 忠诚阶梯, en: Ladder }, description: Rung of customer.loyalty. }
  relationship_level: { type: string, title: { zh: 关系等级, en: Relationship level }, description: "vendor, preferred, partner or alliance." }
  need_class: { type: string, title: { zh: 需求类型, en: Need class }, description: Of segment.customer_need. }
  preferred_channel: { type: string, title: { zh: 首选渠道, en: Preferred channel }, description: Of customer.channel_use. }
  open_complaint_count: { type: bigint, unit: complaints, title: { zh: 未关闭投诉数, en: Open complaints }, description: Complaints that are not closed. }
  satisfaction_score: { type: double, unit: points 1..10, title: { zh: 满意度, en: Satisfaction }, description: Of customer.survey_score; NULL without an answer. }
  last_answer_date: { type: date, title: { zh: 最近答卷日期, en: Last answer }, description: Day of that answer. }
  last_visit_date: { type: date, title: { zh: 最近拜访日期, en: Last visit }, description: Day of the last visit. }
  filled_share: { type: double, unit: share, title: { zh: 完整率, en: Filled }, description: Of customer.data_quality. }
  open_alert_count: { type: bigint, unit: alerts, title: { zh: 预警数, en: Open alerts }, description: Rows of customer.alert. }
  alert_reasons: { type: string, title: { zh: 预警原因, en: Alert reasons }, description: "Their reasons, by name; NULL without one." }
checks:
  - not_null: [customer_id, group_id, relationship, revenue, revenue_grade, contribution, ladder, need_class, fleet_units, open_complaint_count, open_alert_count]
  - relationships: { column: customer_id, to: core.customer, field: customer_id }
  - expr: (alert_reasons is null) = (open_alert_count = 0)
  - expr: open_alert_count = 0 or open_alert_count = 1 + length(alert_reasons) - length(replace(alert_reasons, ',', ''))
    name: every_reason_is_told
  - expr: (SELECT count(*) FROM customer.profile) = (SELECT count(*) FROM core.customer)
    name: every_customer_has_a_row
  - expr: (SELECT sum(open_alert_count) FROM customer.profile) = (SELECT count(*) FROM customer.alert)
    name: no_alert_is_lost
  - expr: (SELECT sum(revenue) FROM customer.profile) = (SELECT sum(revenue) FROM customer.profit)
    name: no_revenue_is_lost
  - expr: (SELECT sum(fleet_units) FROM customer.profile) = (SELECT sum(fleet_units) FROM customer.wallet)
    name: no_machine_is_lost
--- */
WITH customer_fleet AS (
    SELECT customer_id, sum(fleet_units) AS fleet_units
    FROM customer.wallet
    GROUP BY customer_id
),

open_complaint AS (
    SELECT customer_id, count(*) AS open_complaint_count
    FROM core.complaint
    WHERE closed_at IS NULL
    GROUP BY customer_id
),

last_visit AS (
    SELECT customer_id, max(visited_date) AS last_visit_date
    FROM core.visit
    GROUP BY customer_id
),

latest_survey AS (
    SELECT customer_id, overall_score, answered_date
    FROM customer.survey_score
    WHERE survey_rank = 1
),

preferred_channel AS (
    SELECT customer_id, channel
    FROM customer.channel_use
    WHERE is_preferred
),

current_manager AS (
    SELECT customer_id, manager
    FROM core.customer_history
    WHERE is_current
),

open_alert AS (
    SELECT
        customer_id,
        count(*) AS open_alert_count,
        -- the seven reasons of customer.alert in order of their names: string_agg would keep a list for each customer
        concat_ws(
            ', ',
            CASE WHEN bool_or(reason = 'complaints_up') THEN 'complaints_up' END,
            CASE WHEN bool_or(reason = 'credit_down') THEN 'credit_down' END,
            CASE WHEN bool_or(reason = 'overdue_order') THEN 'overdue_order' END,
            CASE WHEN bool_or(reason = 'priority_a_late') THEN 'priority_a_late' END,
            CASE WHEN bool_or(reason = 'revenue_down') THEN 'revenue_down' END,
            CASE WHEN bool_or(reason = 'satisfaction_down') THEN 'satisfaction_down' END,
            CASE WHEN bool_or(reason = 'visit_overdue') THEN 'visit_overdue' END
        ) AS alert_reasons
    FROM customer.alert
    GROUP BY customer_id
)

SELECT
    customer.customer_id,
    customer.name,
    customer.group_id,
    customer.tax_id,
    customer.country,
    customer.province,
    customer.region,
    customer.industry,
    customer.industry_group,
    customer.kind,
    customer.credit_grade,
    current_manager.manager,
    key_account.is_key AS is_key_account,
    customer.relationship,
    customer.first_order_date,
    customer.last_order_date,
    grade.revenue,
    grade.revenue_rank,
    grade.revenue_grade,
    rfm.r_score,
    rfm.f_score,
    rfm.m_score,
    rfm.class AS rfm_class,
    profit.contribution,
    profit.profit_rank,
    profit.is_unprofitable,
    value.lifetime_value_amount,
    churn.state AS churn_state,
    churn.recency_days,
    churn.expected_interval_days,
    loyalty.wallet_share,
    coalesce(fleet.fleet_units, 0) AS fleet_units,
    loyalty.ladder,
    loyalty.relationship_level,
    need.need_class,
    preferred_channel.channel AS preferred_channel,
    coalesce(open_complaint.open_complaint_count, 0) AS open_complaint_count,
    latest_survey.overall_score AS satisfaction_score,
    latest_survey.answered_date AS last_answer_date,
    last_visit.last_visit_date,
    quality.filled_share,
    coalesce(open_alert.open_alert_count, 0) AS open_alert_count,
    open_alert.alert_reasons
FROM core.customer AS customer
LEFT JOIN current_manager ON current_manager.customer_id = customer.customer_id
LEFT JOIN customer.key_account AS key_account ON key_account.group_id = customer.group_id
LEFT JOIN customer.revenue_grade AS grade ON grade.customer_id = customer.customer_id
LEFT JOIN customer.rfm AS rfm ON rfm.customer_id = customer.customer_id
LEFT JOIN customer.profit AS profit ON profit.customer_id = customer.customer_id
LEFT JOIN customer.lifetime_value AS value ON value.customer_id = customer.customer_id
LEFT JOIN customer.churn AS churn ON churn.customer_id = customer.customer_id
LEFT JOIN customer.loyalty AS loyalty ON loyalty.customer_id = customer.customer_id
LEFT JOIN customer_fleet AS fleet ON fleet.customer_id = customer.customer_id
LEFT JOIN segment.customer_need AS need ON need.customer_id = customer.customer_id
LEFT JOIN preferred_channel ON preferred_channel.customer_id = customer.customer_id
LEFT JOIN open_complaint ON open_complaint.customer_id = customer.customer_id
LEFT JOIN latest_survey ON latest_survey.customer_id = customer.customer_id
LEFT JOIN last_visit ON last_visit.customer_id = customer.customer_id
LEFT JOIN customer.data_quality AS quality ON quality.customer_id = customer.customer_id
LEFT JOIN open_alert ON open_alert.customer_id = customer.customer_id
