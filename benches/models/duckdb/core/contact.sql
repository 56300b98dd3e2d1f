-- domain.md, section 3: contacts with the customer; what is not given is unknown, but for is_domestic.
SELECT
    contact_no,
    date_trunc('month', timezone(getvariable('timezone'), contacted_at))::DATE AS month,
    contacted_at,
    timezone(getvariable('timezone'), contacted_at)::DATE AS contacted_date,
    responded_at,
    coalesce(channel, 'unknown') AS channel,
    coalesce(kind, 'unknown') AS kind,
    coalesce(topic, 'unknown') AS topic,
    coalesce(customer_id, 'unknown') AS customer_id,
    is_domestic,
    campaign_id
FROM staged.contact_log
