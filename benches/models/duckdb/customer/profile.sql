-- domain.md, section 6: all that other tables know of a customer, in one row.
WITH open_complaint AS (
    SELECT customer_id, count(*) AS open_count FROM core.complaint WHERE closed_at IS NULL GROUP BY customer_id
),
visited AS (
    SELECT customer_id, max(visited_date) AS last_visit_date FROM core.visit GROUP BY customer_id
),
alerted AS (
    SELECT customer_id, count(*) AS alert_count, string_agg(reason, ', ' ORDER BY reason) AS reasons FROM customer.alert GROUP BY customer_id
),
fleet AS (
    SELECT customer_id, sum(fleet_units)::BIGINT AS fleet_units FROM customer.wallet GROUP BY customer_id
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
    history.manager,
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
    lifetime.lifetime_value_amount,
    churn.state AS churn_state,
    churn.recency_days,
    churn.expected_interval_days,
    loyalty.wallet_share,
    fleet.fleet_units,
    loyalty.ladder,
    customer.relationship_level,
    need.need_class,
    channel.channel AS preferred_channel,
    coalesce(open_complaint.open_count, 0) AS open_complaint_count,
    survey.overall_score AS satisfaction_score,
    survey.answered_date AS last_answer_date,
    visited.last_visit_date,
    quality.filled_share,
    coalesce(alerted.alert_count, 0) AS open_alert_count,
    alerted.reasons AS alert_reasons
FROM core.customer AS customer
LEFT JOIN core.customer_history AS history ON history.customer_id = customer.customer_id AND history.is_current
LEFT JOIN customer.key_account AS key_account ON key_account.group_id = customer.group_id
LEFT JOIN customer.revenue_grade AS grade ON grade.customer_id = customer.customer_id
LEFT JOIN customer.rfm AS rfm ON rfm.customer_id = customer.customer_id
LEFT JOIN customer.profit AS profit ON profit.customer_id = customer.customer_id
LEFT JOIN customer.lifetime_value AS lifetime ON lifetime.customer_id = customer.customer_id
LEFT JOIN customer.churn AS churn ON churn.customer_id = customer.customer_id
LEFT JOIN customer.loyalty AS loyalty ON loyalty.customer_id = customer.customer_id
LEFT JOIN fleet ON fleet.customer_id = customer.customer_id
LEFT JOIN segment.customer_need AS need ON need.customer_id = customer.customer_id
LEFT JOIN customer.channel_use AS channel ON channel.customer_id = customer.customer_id AND channel.is_preferred
LEFT JOIN open_complaint ON open_complaint.customer_id = customer.customer_id
LEFT JOIN customer.survey_score AS survey ON survey.customer_id = customer.customer_id AND survey.survey_rank = 1
LEFT JOIN visited ON visited.customer_id = customer.customer_id
LEFT JOIN customer.data_quality AS quality ON quality.customer_id = customer.customer_id
LEFT JOIN alerted ON alerted.customer_id = customer.customer_id
