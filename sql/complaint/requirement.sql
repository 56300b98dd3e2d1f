/* ---
description: >
  What customers come with: contacts of every kind by month, channel and topic. Topics are ranked by count within their
  month and channel, equal counts sharing a rank. The grade is that of a Pareto over the topics of the month and
  channel, by count, then by name: A while the share before the topic is below the first limit of the revenue grades,
  B below the second, else C. Contacts without a topic, or of no known channel, are counted, but are in no total and
  have no rank and no grade.
owner: customer-service
key: [month, channel, topic]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the local month of the contact. }
  channel: { type: string, title: { zh: 渠道, en: Channel }, description: "Channel of the contact, `unknown` where not given." }
  topic: { type: string, title: { zh: 主题, en: Topic }, description: "Topic, `unknown` where not given." }
  count: { type: bigint, unit: contacts, title: { zh: 数量, en: Count }, description: Contacts of the month. }
  rank: { type: bigint, title: { zh: 排名, en: Rank }, description: Rank by count within month and channel. }
  grade: { type: string, title: { zh: 等级, en: Grade }, description: "A, B or C; NULL for unknown ones." }
checks:
  - not_null: [month, channel, topic, count]
  - accepted_values: { column: grade, values: [A, B, C] }
  - expr: count > 0
  - expr: (rank is null) = (channel = 'unknown' or topic = 'unknown') and (grade is null) = (rank is null)
    name: known_topics_have_a_rank
  - expr: (SELECT count(*) FROM (SELECT min(grade) AS best_grade FROM complaint.requirement GROUP BY month, channel) AS month_channel WHERE best_grade <> 'A') = 0
    name: the_first_topic_of_a_channel_is_an_a
  - expr: (SELECT coalesce(sum(count), 0) FROM complaint.requirement) = (SELECT count(*) FROM core.contact)
    name: every_contact_counts_once
--- */
WITH topic_month AS (
    SELECT
        month,
        channel,
        topic,
        count(*) AS contact_count,
        channel <> 'unknown' AND topic <> 'unknown' AS is_known
    FROM core.contact
    GROUP BY month, channel, topic
),

month_limit AS (
    -- the policy in force on the last day of the month
    SELECT
        topic_month.month,
        max(CASE WHEN policy.key = 'customer.revenue_grade.a_below' THEN policy.value END) AS a_below,
        max(CASE WHEN policy.key = 'customer.revenue_grade.b_below' THEN policy.value END) AS b_below
    FROM (SELECT DISTINCT month FROM topic_month) AS topic_month
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over two policies
        ON in_force(policy.valid_from, policy.valid_to, topic_month.month + INTERVAL '1 month' - INTERVAL '1 day')
    WHERE policy.key LIKE 'customer.revenue_grade.%'
    GROUP BY topic_month.month
),

ranked_topic AS (
    SELECT
        *,
        rank() OVER (PARTITION BY month, channel, is_known ORDER BY contact_count DESC) AS topic_rank,
        sum(contact_count) OVER (PARTITION BY month, channel, is_known ORDER BY contact_count DESC, topic) - contact_count AS count_before,
        sum(contact_count) OVER (PARTITION BY month, channel, is_known) AS total_count
    FROM topic_month
)

SELECT
    topic.month,
    topic.channel,
    topic.topic,
    topic.contact_count AS count,
    CASE WHEN topic.is_known THEN CAST(topic.topic_rank AS BIGINT) END AS rank,
    CASE
        WHEN NOT topic.is_known OR month_limit.a_below IS NULL OR month_limit.b_below IS NULL THEN NULL
        WHEN round(CAST(topic.count_before AS DOUBLE) / topic.total_count, 12) < month_limit.a_below THEN 'A'
        WHEN round(CAST(topic.count_before AS DOUBLE) / topic.total_count, 12) < month_limit.b_below THEN 'B'
        ELSE 'C'
    END AS grade
FROM ranked_topic AS topic
LEFT JOIN month_limit ON month_limit.month = topic.month
