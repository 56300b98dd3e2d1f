/* ---
description: >
  Every literal of a definition, with the days on which it applies (domain.md, section 1, "Policy"). A model takes
  the row whose validity holds the last day of the model's period, or run_date where the model has no period. The
  rule that types follow names makes one exception here: `value` is a number.
owner: data-platform
key: [key, valid_from]
columns:
  key: { type: string, title: { zh: 政策项, en: Policy key }, description: "Name of the literal, `<table>.<what>`." }
  valid_from: { type: date, title: { zh: 生效日期, en: Valid from }, description: First day on which the value applies. }
  valid_to: { type: date, title: { zh: 失效日期, en: Valid to }, description: "First day on which it no longer applies; NULL for the value in force." }
  value: { type: double, title: { zh: 取值, en: Value }, description: The value. }
  unit: { type: string, title: { zh: 单位, en: Unit }, description: Unit of the value. }
  source: { type: string, title: { zh: 来源, en: Source }, description: "`required` by the domain, or a decision of the `house`." }
checks:
  - not_null: [key, valid_from, value]
  - unique: [key, valid_from]
  - expr: valid_to is null or valid_to > valid_from
  - row_count: { min: 1 }
    where: key = 'registration.price_tier_low_below'
    name: has registration.price_tier_low_below
  - row_count: { min: 1 }
    where: key = 'registration.price_tier_high_from'
    name: has registration.price_tier_high_from
  - row_count: { min: 1 }
    where: key = 'segment.market.sufficient_units'
    name: has segment.market.sufficient_units
  - row_count: { min: 1 }
    where: key = 'segment.market.sufficient_growth'
    name: has segment.market.sufficient_growth
  - row_count: { min: 1 }
    where: key = 'customer.rfm.window_days'
    name: has customer.rfm.window_days
  - row_count: { min: 1 }
    where: key = 'customer.revenue_grade.a_below'
    name: has customer.revenue_grade.a_below
  - row_count: { min: 1 }
    where: key = 'customer.revenue_grade.b_below'
    name: has customer.revenue_grade.b_below
  - row_count: { min: 1 }
    where: key = 'customer.pareto_summary.top_share'
    name: has customer.pareto_summary.top_share
  - row_count: { min: 1 }
    where: key = 'customer.pareto_summary.revenue_share'
    name: has customer.pareto_summary.revenue_share
  - row_count: { min: 1 }
    where: key = 'customer.key_account.national_provinces_from'
    name: has customer.key_account.national_provinces_from
  - row_count: { min: 1 }
    where: key = 'customer.key_account.long_term_years_from'
    name: has customer.key_account.long_term_years_from
  - row_count: { min: 1 }
    where: key = 'customer.profit.visit_minute_cost'
    name: has customer.profit.visit_minute_cost
  - row_count: { min: 1 }
    where: key = 'customer.lifetime_value.years'
    name: has customer.lifetime_value.years
  - row_count: { min: 1 }
    where: key = 'customer.lifetime_value.discount_rate'
    name: has customer.lifetime_value.discount_rate
  - row_count: { min: 1 }
    where: key = 'customer.churn.at_risk_factor'
    name: has customer.churn.at_risk_factor
  - row_count: { min: 1 }
    where: key = 'customer.churn.lost_factor'
    name: has customer.churn.lost_factor
  - row_count: { min: 1 }
    where: key = 'customer.churn.lost_days'
    name: has customer.churn.lost_days
  - row_count: { min: 1 }
    where: key = 'customer.churn.minimum_order_days'
    name: has customer.churn.minimum_order_days
  - row_count: { min: 1 }
    where: key = 'customer.churn.won_back_days'
    name: has customer.churn.won_back_days
  - row_count: { min: 1 }
    where: key = 'customer.loyalty.loyal_wallet_from'
    name: has customer.loyalty.loyal_wallet_from
  - row_count: { min: 1 }
    where: key = 'customer.loyalty.advocate_recommend_from'
    name: has customer.loyalty.advocate_recommend_from
  - row_count: { min: 1 }
    where: key = 'customer.loyalty.repeat_orders_from'
    name: has customer.loyalty.repeat_orders_from
  - row_count: { min: 1 }
    where: key = 'customer.loyalty.loyal_orders_from'
    name: has customer.loyalty.loyal_orders_from
  - row_count: { min: 1 }
    where: key = 'customer.data_quality.verified_months'
    name: has customer.data_quality.verified_months
  - row_count: { min: 1 }
    where: key = 'customer.plan_progress.reviews_grade_a'
    name: has customer.plan_progress.reviews_grade_a
  - row_count: { min: 1 }
    where: key = 'customer.plan_progress.reviews_other'
    name: has customer.plan_progress.reviews_other
  - row_count: { min: 1 }
    where: key = 'customer.alert.revenue_down_rate'
    name: has customer.alert.revenue_down_rate
  - row_count: { min: 1 }
    where: key = 'customer.alert.complaints_up_minimum'
    name: has customer.alert.complaints_up_minimum
  - row_count: { min: 1 }
    where: key = 'customer.alert.complaints_window_days'
    name: has customer.alert.complaints_window_days
  - row_count: { min: 1 }
    where: key = 'customer.alert.satisfaction_down_points'
    name: has customer.alert.satisfaction_down_points
  - row_count: { min: 1 }
    where: key = 'dealer.scorecard.weight_revenue_growth'
    name: has dealer.scorecard.weight_revenue_growth
  - row_count: { min: 1 }
    where: key = 'dealer.scorecard.weight_attainment'
    name: has dealer.scorecard.weight_attainment
  - row_count: { min: 1 }
    where: key = 'dealer.scorecard.weight_complaints'
    name: has dealer.scorecard.weight_complaints
  - row_count: { min: 1 }
    where: key = 'dealer.scorecard.weight_satisfaction'
    name: has dealer.scorecard.weight_satisfaction
  - row_count: { min: 1 }
    where: key = 'dealer.scorecard.weight_discount'
    name: has dealer.scorecard.weight_discount
  - row_count: { min: 1 }
    where: key = 'dealer.scorecard.weight_training'
    name: has dealer.scorecard.weight_training
  - row_count: { min: 1 }
    where: key = 'dealer.channel_trend.rising_from'
    name: has dealer.channel_trend.rising_from
  - row_count: { min: 1 }
    where: key = 'complaint.sla.domestic_response_hours'
    name: has complaint.sla.domestic_response_hours
  - row_count: { min: 1 }
    where: key = 'complaint.sla.overseas_response_working_days'
    name: has complaint.sla.overseas_response_working_days
  - row_count: { min: 1 }
    where: key = 'complaint.sla.on_site_priority'
    name: has complaint.sla.on_site_priority
  - row_count: { min: 1 }
    where: key = 'complaint.sla.on_site_hours'
    name: has complaint.sla.on_site_hours
  - row_count: { min: 1 }
    where: key = 'complaint.corrective_action.recurrence_days'
    name: has complaint.corrective_action.recurrence_days
  - row_count: { min: 1 }
    where: key = 'satisfaction.index.boost_below_score'
    name: has satisfaction.index.boost_below_score
  - row_count: { min: 1 }
    where: key = 'satisfaction.index.boost_factor'
    name: has satisfaction.index.boost_factor
  - row_count: { min: 1 }
    where: key = 'satisfaction.index.promoter_from'
    name: has satisfaction.index.promoter_from
  - row_count: { min: 1 }
    where: key = 'satisfaction.index.detractor_to'
    name: has satisfaction.index.detractor_to
  - row_count: { min: 1 }
    where: key = 'satisfaction.purchase_factor.minimum_answers'
    name: has satisfaction.purchase_factor.minimum_answers
  - row_count: { min: 1 }
    where: key = 'satisfaction.gap.significance_deviates'
    name: has satisfaction.gap.significance_deviates
  - row_count: { min: 1 }
    where: key = 'satisfaction.follow_up.window_days'
    name: has satisfaction.follow_up.window_days
--- */
SELECT
    key,
    valid_from,
    lead(valid_from) OVER (PARTITION BY key ORDER BY valid_from) AS valid_to,
    value,
    unit,
    source
FROM staged.policy
