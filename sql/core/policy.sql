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
  part_of: { type: string, title: { zh: 所属整体, en: Part of }, description: "The whole to which the value and others add up, which is 1; NULL where it stands for itself." }
  source: { type: string, title: { zh: 来源, en: Source }, description: "`required` by the domain, or a decision of the `house`." }
checks:
  - not_null: [key, valid_from, value]
  - unique: [key, valid_from]
  - expr: valid_to is null or valid_to > valid_from
  - expr: value > 0
    where: part_of is null and key not in ('segment.market.sufficient_growth', 'customer.alert.revenue_down_rate')
    name: limits_are_positive
  - expr: value < 0
    where: key = 'customer.alert.revenue_down_rate'
    name: a_fall_is_negative
  - range: { column: value, min: 0, max: 1 }
    where: part_of is not null
    name: parts_are_shares
  - expr: >
      part_of not in (
      select part.part_of from core.policy as part
      join (select distinct part_of, valid_from from core.policy) as day on day.part_of = part.part_of
      where in_force(part.valid_from, part.valid_to, day.valid_from)
      group by part.part_of, day.valid_from having abs(sum(part.value) - 1) > 0.000000001)
    where: part_of is not null
    name: parts_of_a_whole_add_to_1
  - expr: >
      key not in (
      select low.key from core.policy as low
      join (values
      ('registration.price_tier_low_below', 'registration.price_tier_high_from'),
      ('segment.attractiveness.cell_low_below', 'segment.attractiveness.cell_medium_below'),
      ('segment.customer_need.service_needing_from', 'segment.customer_need.service_dependent_from'),
      ('segment.customer_group.small_below', 'segment.customer_group.medium_below'),
      ('segment.customer_group.medium_below', 'segment.customer_group.large_below'),
      ('customer.revenue_grade.a_below', 'customer.revenue_grade.b_below'),
      ('customer.churn.at_risk_factor', 'customer.churn.lost_factor'),
      ('sales.time_use.revenue_share_ordinary_from', 'sales.time_use.revenue_share_ordinary_to'),
      ('sales.time_use.revenue_share_good_from', 'sales.time_use.revenue_share_good_to'),
      ('satisfaction.index.detractor_to', 'satisfaction.index.promoter_from')
      ) as pair(low_key, high_key) on pair.low_key = low.key
      join core.policy as high on high.key = pair.high_key
      where low.value >= high.value
      and (low.valid_to is null or low.valid_to > high.valid_from)
      and (high.valid_to is null or high.valid_to > low.valid_from))
    name: limits_of_classes_are_in_order
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
    where: key = 'satisfaction.minimum_answers'
    name: has satisfaction.minimum_answers
  - row_count: { min: 1 }
    where: key = 'segment.attractiveness.weight_capacity'
    name: has segment.attractiveness.weight_capacity
  - row_count: { min: 1 }
    where: key = 'segment.attractiveness.weight_growth'
    name: has segment.attractiveness.weight_growth
  - row_count: { min: 1 }
    where: key = 'segment.attractiveness.weight_margin'
    name: has segment.attractiveness.weight_margin
  - row_count: { min: 1 }
    where: key = 'segment.attractiveness.weight_dispersion'
    name: has segment.attractiveness.weight_dispersion
  - row_count: { min: 1 }
    where: key = 'segment.attractiveness.weight_strategic_fit'
    name: has segment.attractiveness.weight_strategic_fit
  - row_count: { min: 1 }
    where: key = 'segment.strength.weight_own_share'
    name: has segment.strength.weight_own_share
  - row_count: { min: 1 }
    where: key = 'segment.strength.weight_relative_share'
    name: has segment.strength.weight_relative_share
  - row_count: { min: 1 }
    where: key = 'segment.attractiveness.cell_low_below'
    name: has segment.attractiveness.cell_low_below
  - row_count: { min: 1 }
    where: key = 'segment.attractiveness.cell_medium_below'
    name: has segment.attractiveness.cell_medium_below
  - row_count: { min: 1 }
    where: key = 'segment.customer_need.service_dependent_from'
    name: has segment.customer_need.service_dependent_from
  - row_count: { min: 1 }
    where: key = 'segment.customer_need.service_needing_from'
    name: has segment.customer_need.service_needing_from
  - row_count: { min: 1 }
    where: key = 'segment.customer_need.bid_shopping_quotes_from'
    name: has segment.customer_need.bid_shopping_quotes_from
  - row_count: { min: 1 }
    where: key = 'segment.customer_group.small_below'
    name: has segment.customer_group.small_below
  - row_count: { min: 1 }
    where: key = 'segment.customer_group.medium_below'
    name: has segment.customer_group.medium_below
  - row_count: { min: 1 }
    where: key = 'segment.customer_group.large_below'
    name: has segment.customer_group.large_below
  - row_count: { min: 1 }
    where: key = 'competitor.conquest.own_share_below'
    name: has competitor.conquest.own_share_below
  - row_count: { min: 1 }
    where: key = 'competitor.conquest.replacement_age_years'
    name: has competitor.conquest.replacement_age_years
  - row_count: { min: 1 }
    where: key = 'competitor.reverse_coverage.window_days'
    name: has competitor.reverse_coverage.window_days
  - row_count: { min: 1 }
    where: key = 'competitor.brand_strength.name_knows_from'
    name: has competitor.brand_strength.name_knows_from
  - row_count: { min: 1 }
    where: key = 'competitor.brand_strength.brand_considers_from'
    name: has competitor.brand_strength.brand_considers_from
  - row_count: { min: 1 }
    where: key = 'competitor.brand_strength.strong_prefers_from'
    name: has competitor.brand_strength.strong_prefers_from
  - row_count: { min: 1 }
    where: key = 'competitor.brand_strength.strong_premium_from'
    name: has competitor.brand_strength.strong_premium_from
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
    where: key = 'sales.loss_funnel.pursued_from_stage'
    name: has sales.loss_funnel.pursued_from_stage
  - row_count: { min: 1 }
    where: key = 'sales.loss_funnel.idle_days'
    name: has sales.loss_funnel.idle_days
  - row_count: { min: 1 }
    where: key = 'sales.loss_funnel.benchmark_won'
    name: has sales.loss_funnel.benchmark_won
  - row_count: { min: 1 }
    where: key = 'sales.loss_funnel.benchmark_pursued_lost'
    name: has sales.loss_funnel.benchmark_pursued_lost
  - row_count: { min: 1 }
    where: key = 'sales.loss_funnel.benchmark_not_pursued'
    name: has sales.loss_funnel.benchmark_not_pursued
  - row_count: { min: 1 }
    where: key = 'sales.loss_funnel.benchmark_not_contacted'
    name: has sales.loss_funnel.benchmark_not_contacted
  - row_count: { min: 1 }
    where: key = 'sales.visit_coverage.key_account_manager_months'
    name: has sales.visit_coverage.key_account_manager_months
  - row_count: { min: 1 }
    where: key = 'sales.visit_coverage.regional_manager_months'
    name: has sales.visit_coverage.regional_manager_months
  - row_count: { min: 1 }
    where: key = 'sales.visit_coverage.executive_months'
    name: has sales.visit_coverage.executive_months
  - row_count: { min: 1 }
    where: key = 'sales.capacity.visits_grade_a'
    name: has sales.capacity.visits_grade_a
  - row_count: { min: 1 }
    where: key = 'sales.capacity.minutes_grade_a'
    name: has sales.capacity.minutes_grade_a
  - row_count: { min: 1 }
    where: key = 'sales.capacity.visits_grade_b'
    name: has sales.capacity.visits_grade_b
  - row_count: { min: 1 }
    where: key = 'sales.capacity.minutes_grade_b'
    name: has sales.capacity.minutes_grade_b
  - row_count: { min: 1 }
    where: key = 'sales.capacity.visits_grade_c'
    name: has sales.capacity.visits_grade_c
  - row_count: { min: 1 }
    where: key = 'sales.capacity.minutes_grade_c'
    name: has sales.capacity.minutes_grade_c
  - row_count: { min: 1 }
    where: key = 'sales.capacity.available_hours'
    name: has sales.capacity.available_hours
  - row_count: { min: 1 }
    where: key = 'sales.time_use.ideal.account_planning'
    name: has sales.time_use.ideal.account_planning
  - row_count: { min: 1 }
    where: key = 'sales.time_use.ideal.face_to_face'
    name: has sales.time_use.ideal.face_to_face
  - row_count: { min: 1 }
    where: key = 'sales.time_use.ideal.quoting'
    name: has sales.time_use.ideal.quoting
  - row_count: { min: 1 }
    where: key = 'sales.time_use.ideal.project_planning'
    name: has sales.time_use.ideal.project_planning
  - row_count: { min: 1 }
    where: key = 'sales.time_use.ideal.follow_up'
    name: has sales.time_use.ideal.follow_up
  - row_count: { min: 1 }
    where: key = 'sales.time_use.ideal.problem_solving'
    name: has sales.time_use.ideal.problem_solving
  - row_count: { min: 1 }
    where: key = 'sales.time_use.ideal.travel'
    name: has sales.time_use.ideal.travel
  - row_count: { min: 1 }
    where: key = 'sales.time_use.ideal.personal'
    name: has sales.time_use.ideal.personal
  - row_count: { min: 1 }
    where: key = 'sales.time_use.ideal.reports'
    name: has sales.time_use.ideal.reports
  - row_count: { min: 1 }
    where: key = 'sales.time_use.ideal.meetings'
    name: has sales.time_use.ideal.meetings
  - row_count: { min: 1 }
    where: key = 'sales.time_use.revenue_share_ordinary_from'
    name: has sales.time_use.revenue_share_ordinary_from
  - row_count: { min: 1 }
    where: key = 'sales.time_use.revenue_share_ordinary_to'
    name: has sales.time_use.revenue_share_ordinary_to
  - row_count: { min: 1 }
    where: key = 'sales.time_use.revenue_share_good_from'
    name: has sales.time_use.revenue_share_good_from
  - row_count: { min: 1 }
    where: key = 'sales.time_use.revenue_share_good_to'
    name: has sales.time_use.revenue_share_good_to
  - row_count: { min: 1 }
    where: key = 'sales.manager_scorecard.weight_attainment'
    name: has sales.manager_scorecard.weight_attainment
  - row_count: { min: 1 }
    where: key = 'sales.manager_scorecard.weight_sales_share'
    name: has sales.manager_scorecard.weight_sales_share
  - row_count: { min: 1 }
    where: key = 'sales.manager_scorecard.weight_satisfaction'
    name: has sales.manager_scorecard.weight_satisfaction
  - row_count: { min: 1 }
    where: key = 'sales.manager_scorecard.weight_loyal_share'
    name: has sales.manager_scorecard.weight_loyal_share
  - row_count: { min: 1 }
    where: key = 'sales.manager_scorecard.weight_churn'
    name: has sales.manager_scorecard.weight_churn
  - row_count: { min: 1 }
    where: key = 'sales.acquisition_cost.ratio_benchmark'
    name: has sales.acquisition_cost.ratio_benchmark
  - row_count: { min: 1 }
    where: key = 'sales.campaign.worth_repeating_ratio_from'
    name: has sales.campaign.worth_repeating_ratio_from
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
    CASE
        WHEN key LIKE '%.weight\_%' THEN split_part(key, '.weight_', 1)
        WHEN key LIKE 'sales.time\_use.ideal.%' THEN 'sales.time_use.ideal'
        WHEN key LIKE 'sales.loss\_funnel.benchmark\_%' THEN 'sales.loss_funnel.benchmark'
    END AS part_of,
    source
FROM staged.policy
