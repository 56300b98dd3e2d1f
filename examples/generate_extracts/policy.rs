//! Policy: the house's thresholds and weights, one named row each, and the small decision tables.
//!
//! A later `valid_from` replaces an earlier row of the same key from that day on.

/// `reference/policy.csv`.
pub const POLICY: &str = "\
key,valid_from,value,unit,source,note
satisfaction.minimum_answers,2020-01-01,5,answers,house,A brand's satisfaction needs this many answers
registration.price_tier_low_below,2020-01-01,0.85,ratio,house,Price below this part of the market's average is the low tier
registration.price_tier_high_from,2020-01-01,1.15,ratio,house,Price from this part of the market's average on is the high tier
segment.market.sufficient_units,2020-01-01,40,units,house,Until the end of 2022
segment.market.sufficient_units,2023-01-01,50,units,house,A market is sufficient from this size on
segment.market.sufficient_growth,2020-01-01,0,rate,house,A market is sufficient from this growth on
segment.attractiveness.weight_capacity,2020-01-01,0.3,weight,house,Weight of market capacity
segment.attractiveness.weight_growth,2020-01-01,0.25,weight,house,Weight of market growth
segment.attractiveness.weight_margin,2020-01-01,0.2,weight,house,Weight of the own margin rate
segment.attractiveness.weight_dispersion,2020-01-01,0.15,weight,house,Weight of 1 - HHI
segment.attractiveness.weight_strategic_fit,2020-01-01,0.1,weight,house,Weight of strategic fit
segment.strength.weight_own_share,2020-01-01,0.5,weight,house,Weight of the own share
segment.strength.weight_relative_share,2020-01-01,0.5,weight,house,Weight of the relative share
segment.attractiveness.cell_low_below,2020-01-01,0.3333333333333333,score,house,One third: scores below are low
segment.attractiveness.cell_medium_below,2020-01-01,0.6666666666666666,score,house,\"Two thirds: scores below are medium, others high\"
segment.customer_need.service_dependent_from,2020-01-01,0.625,share,required,Dealer share of purchases of a service-dependent customer
segment.customer_need.service_needing_from,2020-01-01,0.275,share,required,Dealer share of purchases of a service-needing customer
segment.customer_need.bid_shopping_quotes_from,2020-01-01,3,quotes,required,Mean quotes compared of a bid-shopping customer
segment.customer_group.small_below,2020-01-01,3000000,USD,required,Account revenue below is small
segment.customer_group.medium_below,2020-01-01,30000000,USD,required,Account revenue below is medium
segment.customer_group.large_below,2020-01-01,1000000000,USD,required,\"Account revenue below is large, else multinational\"
competitor.conquest.own_share_below,2020-01-01,0.5,share,house,Own part of the fleet below which a customer is to be conquered
competitor.conquest.replacement_age_years,2020-01-01,8,years,house,Age from which a competitor's unit is due for replacement
competitor.reverse_coverage.window_days,2020-01-01,30,days,required,A lost opportunity is to be visited within this time
competitor.brand_strength.name_knows_from,2020-01-01,0.5,rate,house,Known by this part: a name
competitor.brand_strength.brand_considers_from,2020-01-01,0.4,rate,house,Considered by this part: a brand
competitor.brand_strength.strong_prefers_from,2020-01-01,0.3,rate,house,Preferred by this part: a strong brand
competitor.brand_strength.strong_premium_from,2020-01-01,0.05,rate,house,Price premium of a strong brand
customer.rfm.window_days,2020-01-01,365,days,house,Orders within this time count for RFM
customer.revenue_grade.a_below,2020-01-01,0.80,share,required,Cumulative share before the row below which a customer is grade A
customer.revenue_grade.b_below,2020-01-01,0.95,share,required,Cumulative share before the row below which a customer is grade B
customer.pareto_summary.top_share,2020-01-01,0.20,share,required,The top part of customers
customer.pareto_summary.revenue_share,2020-01-01,0.80,share,required,The part of revenue for which customers are counted
customer.key_account.national_provinces_from,2020-01-01,5,provinces,house,A national account buys in this many provinces
customer.key_account.long_term_years_from,2020-01-01,5,years,house,A long-term account
customer.profit.visit_minute_cost,2020-01-01,3.00,CNY per minute,house,Cost of a minute of visit
customer.lifetime_value.years,2020-01-01,5,years,house,Years that are summed
customer.lifetime_value.discount_rate,2020-01-01,0.10,rate,house,Yearly discount
customer.churn.at_risk_factor,2020-01-01,1.5,ratio,house,At risk beyond this multiple of the expected interval
customer.churn.lost_factor,2020-01-01,3,ratio,house,Lost beyond this multiple of the expected interval
customer.churn.lost_days,2020-01-01,180,days,house,Lost only beyond this time
customer.churn.minimum_order_days,2020-01-01,3,order days,house,A customer with so many order days has an interval of its own
customer.churn.won_back_days,2020-01-01,365,days,house,A customer that came back within this time is won back
customer.loyalty.loyal_wallet_from,2020-01-01,0.5,share,house,Wallet share of a loyal customer
customer.loyalty.advocate_recommend_from,2020-01-01,9,points,house,Recommend score of an advocate
customer.loyalty.repeat_orders_from,2020-01-01,2,orders,house,Orders of a customer that came again
customer.loyalty.loyal_orders_from,2020-01-01,3,orders,house,Orders of a loyal customer
customer.data_quality.verified_months,2020-01-01,12,months,house,A verification is fresh within this time
customer.plan_progress.reviews_grade_a,2020-01-01,4,reviews,required,Reviews a year of grade A accounts
customer.plan_progress.reviews_other,2020-01-01,1,reviews,required,Reviews a year of other accounts
customer.alert.revenue_down_rate,2020-01-01,-0.20,rate,house,Change of revenue that raises an alert
customer.alert.complaints_up_minimum,2020-01-01,2,complaints,house,Complaints in the last 90 days that raise an alert
customer.alert.complaints_window_days,2020-01-01,90,days,house,Complaints of this time against those of as long before
customer.alert.satisfaction_down_points,2020-01-01,1,points,house,Drop of satisfaction that raises an alert
sales.loss_funnel.pursued_from_stage,2020-01-01,2,stage number,house,Stage from which a lost opportunity was pursued; 2 is evaluating
sales.loss_funnel.idle_days,2020-01-01,180,days,house,An opportunity is idle beyond this time
sales.loss_funnel.benchmark_won,2020-01-01,0.25,share,required,Benchmark of the part won
sales.loss_funnel.benchmark_pursued_lost,2020-01-01,0.30,share,required,Benchmark of the part pursued and lost
sales.loss_funnel.benchmark_not_pursued,2020-01-01,0.10,share,required,Benchmark of the part not pursued
sales.loss_funnel.benchmark_not_contacted,2020-01-01,0.35,share,required,Benchmark of the part not contacted
sales.visit_coverage.key_account_manager_months,2020-01-01,1,months,required,One visit in each period of this length
sales.visit_coverage.regional_manager_months,2020-01-01,6,months,required,One visit in each period of this length
sales.visit_coverage.executive_months,2020-01-01,12,months,required,One visit in each period of this length
sales.capacity.visits_grade_a,2020-01-01,3,visits per quarter,house,Visits to a grade A account
sales.capacity.minutes_grade_a,2020-01-01,120,minutes,house,Minutes of a visit to a grade A account
sales.capacity.visits_grade_b,2020-01-01,1,visits per quarter,house,Visits to a grade B account
sales.capacity.minutes_grade_b,2020-01-01,90,minutes,house,Minutes of a visit to a grade B account
sales.capacity.visits_grade_c,2020-01-01,0.5,visits per quarter,house,Visits to a grade C account
sales.capacity.minutes_grade_c,2020-01-01,60,minutes,house,Minutes of a visit to a grade C account
sales.capacity.available_hours,2020-01-01,360,hours per quarter,house,Working hours of a seller
sales.time_use.ideal.account_planning,2020-01-01,0.05,share,required,Ideal share of time
sales.time_use.ideal.face_to_face,2020-01-01,0.40,share,required,Ideal share of time
sales.time_use.ideal.quoting,2020-01-01,0.03,share,required,Ideal share of time
sales.time_use.ideal.project_planning,2020-01-01,0.04,share,required,Ideal share of time
sales.time_use.ideal.follow_up,2020-01-01,0.03,share,required,Ideal share of time
sales.time_use.ideal.problem_solving,2020-01-01,0.05,share,required,Ideal share of time
sales.time_use.ideal.travel,2020-01-01,0.20,share,required,Ideal share of time
sales.time_use.ideal.personal,2020-01-01,0.10,share,required,Ideal share of time
sales.time_use.ideal.reports,2020-01-01,0.05,share,required,Ideal share of time
sales.time_use.ideal.meetings,2020-01-01,0.05,share,required,Ideal share of time
sales.time_use.revenue_share_ordinary_from,2020-01-01,0.15,share,required,\"Benchmark of the revenue-generating share, ordinary sellers\"
sales.time_use.revenue_share_ordinary_to,2020-01-01,0.25,share,required,\"Benchmark of the revenue-generating share, ordinary sellers\"
sales.time_use.revenue_share_good_from,2020-01-01,0.40,share,required,\"Benchmark of the revenue-generating share, good sellers\"
sales.time_use.revenue_share_good_to,2020-01-01,0.50,share,required,\"Benchmark of the revenue-generating share, good sellers\"
sales.manager_scorecard.weight_attainment,2020-01-01,0.3,weight,house,Weight of attainment
sales.manager_scorecard.weight_sales_share,2020-01-01,0.3,weight,house,Weight of the share of sales
sales.manager_scorecard.weight_satisfaction,2020-01-01,0.2,weight,house,Weight of satisfaction
sales.manager_scorecard.weight_loyal_share,2020-01-01,0.1,weight,house,Weight of the loyal share
sales.manager_scorecard.weight_churn,2020-01-01,0.1,weight,house,Weight of key-account churn
sales.acquisition_cost.ratio_benchmark,2020-01-01,5,ratio,required,Cost of a new customer to that of a kept one
sales.campaign.worth_repeating_ratio_from,2020-01-01,1,ratio,house,Return from which a campaign is worth repeating
dealer.scorecard.weight_revenue_growth,2020-01-01,0.25,weight,house,Weight of revenue growth
dealer.scorecard.weight_attainment,2020-01-01,0.25,weight,house,Weight of attainment
dealer.scorecard.weight_complaints,2020-01-01,0.2,weight,house,Weight of complaints
dealer.scorecard.weight_satisfaction,2020-01-01,0.15,weight,house,Weight of satisfaction
dealer.scorecard.weight_discount,2020-01-01,0.1,weight,house,Weight of the discount rate
dealer.scorecard.weight_training,2020-01-01,0.05,weight,house,Weight of training
dealer.channel_trend.rising_from,2020-01-01,0.05,rate,house,Growth from which a channel rises; falling from the same with a minus
complaint.sla.domestic_response_hours,2020-01-01,1,hours,required,First response at home
complaint.sla.overseas_response_working_days,2020-01-01,1,working days,required,First response abroad
complaint.sla.on_site_priority,2020-01-01,1,priority rank,required,Lowest priority that must be met on site in time; 1 is A
complaint.sla.on_site_hours,2020-01-01,48,hours,required,Until the end of 2023
complaint.sla.on_site_hours,2024-01-01,24,hours,required,Arrival on site
complaint.corrective_action.recurrence_days,2020-01-01,90,days,house,The same defect again within this time recurred
satisfaction.index.boost_below_score,2020-01-01,7.0,points,required,A factor below this in the previous period is boosted
satisfaction.index.boost_factor,2020-01-01,1.5,ratio,required,Weight of a boosted factor
satisfaction.index.promoter_from,2020-01-01,9,points,house,Recommend score from which a respondent is a promoter
satisfaction.index.detractor_to,2020-01-01,6,points,house,Recommend score up to which a respondent is a detractor
satisfaction.purchase_factor.minimum_answers,2020-01-01,10,answers,house,Answers that a correlation needs
satisfaction.gap.significance_deviates,2020-01-01,1.96,standard errors,required,A gap beyond this many standard errors is significant
satisfaction.follow_up.window_days,2020-01-01,7,days,required,A follow-up comes within this time
";

/// `reference/advice.csv`: what to do with a segment by its attractiveness and our strength in it.
pub const ADVICE: &str = "\
attractiveness_cell,strength_cell,advice
high,high,invest
high,medium,invest
high,low,select
medium,high,invest
medium,medium,select
medium,low,harvest
low,high,harvest
low,medium,harvest
low,low,divest
";

/// `reference/rfm_class.csv`: ranges of the three scores, both ends included; together they cover all once.
pub const RFM_CLASS: &str = "\
rfm_class,r_from,r_to,f_from,f_to,m_from,m_to
important_value,4,5,4,5,4,5
important_development,4,5,1,3,4,5
important_retention,1,3,4,5,4,5
important_recall,1,3,1,3,4,5
general_value,4,5,4,5,1,3
general_development,4,5,1,3,1,3
general_retention,1,3,4,5,1,3
general_recall,1,3,1,3,1,3
";

/// `reference/survey_weight.csv`: equal weights, but for one that was raised in 2026.
pub const SURVEY_WEIGHT: &str = "\
respondent_type,factor,weight,valid_from
dealer,delivery,1,2020-01-01
dealer,logistics,1,2020-01-01
dealer,attitude,1,2020-01-01
end_customer,quality,1,2020-01-01
end_customer,quality,1.2,2026-01-01
end_customer,value,1,2020-01-01
end_customer,service,1,2020-01-01
complainant,speed,1,2020-01-01
complainant,solution,1,2020-01-01
complainant,attitude,1,2020-01-01
";

/// `reference/complaint_cost.csv`, in yuan.
pub const COMPLAINT_COST: &str = "\
kind,priority,amount
product,A,5000
product,B,2000
product,C,500
service,A,1000
service,B,500
service,C,200
";

/// `reference/value_proposition.csv`.
pub const VALUE_PROPOSITION: &str = "\
need_class,factor,value_proposition
service_dependent,quality,Machines that a partner keeps running
service_dependent,value,One price for the whole life
service_dependent,service,A service engineer on call around the clock
service_needing,quality,Long intervals between services
service_needing,value,Service packages by the hour
service_needing,service,Spare parts within a day
bid_shopping,quality,Proven in the same trade
bid_shopping,value,Lowest cost per working hour
bid_shopping,service,Warranty that competitors do not give
self_reliant,quality,Simple to repair by own staff
self_reliant,value,Fair prices for parts
self_reliant,service,Training for own mechanics
";
