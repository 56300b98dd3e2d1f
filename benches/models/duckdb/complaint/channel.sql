-- domain.md, section 9: contacts of a channel among those of their month and kind.
WITH counted AS (
    SELECT month, channel, kind, count(*) AS contact_count FROM core.contact GROUP BY ALL
),
kind_month AS (
    SELECT month, kind, sum(contact_count)::BIGINT AS total FROM counted GROUP BY ALL
),
listed AS (
    SELECT DISTINCT channel, kind, (month + to_months(n::INTEGER))::DATE AS month
    FROM counted CROSS JOIN range(24) AS later (n)
    WHERE month + to_months(n::INTEGER) <= getvariable('run_date')
),
shared AS (
    SELECT month, channel, kind, coalesce(contact_count, 0) AS contact_count, coalesce(contact_count, 0) / total::DOUBLE AS contact_share, coalesce(total, 0) AS total
    FROM listed LEFT JOIN counted USING (month, channel, kind) LEFT JOIN kind_month USING (month, kind)
),
complete AS (
    SELECT month FROM core.month WHERE is_order_complete
)
SELECT one.month, one.channel, one.kind, one.contact_count, one.contact_share,
    -- a channel that did not exist the month before comes from 0 where its kind had contacts
    CASE WHEN one.month IN (FROM complete) AND one.month - INTERVAL 1 MONTH IN (FROM complete)
        THEN one.contact_share - coalesce(prior.contact_share, CASE WHEN prior_kind.total > 0 THEN 0 END) END AS share_change_mom,
    one.total AS kind_contact_count
FROM shared AS one
LEFT JOIN shared AS prior ON prior.channel = one.channel AND prior.kind = one.kind AND prior.month = one.month - INTERVAL 1 MONTH
LEFT JOIN kind_month AS prior_kind ON prior_kind.kind = one.kind AND prior_kind.month = one.month - INTERVAL 1 MONTH
