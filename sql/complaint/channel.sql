/* ---
description: >
  Contacts by month, channel and kind, and how the channels share them. contact_share is the channel's part of all
  contacts of the month and kind; share_change_mom is that share less the one of the month before. Only complete months
  (ended by run_date, and with an order line) are compared, with a complete month before; a channel without a contact
  comes from a share of 0 where its kind had contacts. Months in which a channel and kind had none, up to 23 after the
  last one, have count 0, a share of 0 where the kind had contacts, and none where it had not.
owner: customer-service
key: [month, channel, kind]
columns:
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the local month of the contact. }
  channel: { type: string, title: { zh: 渠道, en: Channel }, description: "Channel of the contact, `unknown` where not given." }
  kind: { type: string, title: { zh: 类别, en: Kind }, description: "inquiry, order, complaint or unknown." }
  contact_count: { type: bigint, unit: contacts, title: { zh: 接触数, en: Contacts }, description: Contacts of the month. }
  contact_share: { type: double, unit: share, title: { zh: 接触占比, en: Contact share }, description: Of all contacts of the month and kind. }
  share_change_mom: { type: double, unit: share points, title: { zh: 占比环比变化, en: Share change on the month }, description: Share less that of the month before. }
  kind_contact_count: { type: bigint, unit: contacts, title: { zh: 同类接触数, en: Contacts of the kind }, description: Denominator of contact_share. }
checks:
  - not_null: [month, channel, kind, contact_count, kind_contact_count]
  - expr: contact_count between 0 and kind_contact_count
  - expr: contact_share between 0 and 1 and share_change_mom between -1 and 1
  - expr: (contact_share is null) = (kind_contact_count = 0)
  - expr: (SELECT coalesce(sum(contact_count), 0) FROM complaint.channel) = (SELECT count(*) FROM core.contact)
    name: every_contact_counts_once
--- */
WITH channel_month AS (
    SELECT month, channel, kind, count(*) AS contact_count
    FROM core.contact
    GROUP BY month, channel, kind
),

listed_month AS (
    -- domain.md, section 1: a row for each month within 24 months of one with a contact of the same key
    SELECT
        unnest(generate_series(month, CAST(month + INTERVAL '23 months' AS DATE), INTERVAL '1 month')) AS month,
        channel,
        kind
    FROM channel_month
),

channel_row AS (
    SELECT month, channel, kind, sum(contact_count) AS contact_count
    FROM (
        SELECT month, channel, kind, contact_count FROM channel_month
        UNION ALL
        SELECT month, channel, kind, 0 FROM listed_month WHERE month <= CAST(date_trunc('month', $run_date) AS DATE)
    ) AS counted_or_empty
    GROUP BY month, channel, kind
),

shared_row AS (
    SELECT
        *,
        sum(contact_count) OVER (PARTITION BY month, kind) AS kind_contact_count
    FROM channel_row
),

kind_month AS (
    SELECT month, kind, sum(contact_count) AS contact_count FROM channel_month GROUP BY month, kind
),

compared_row AS (
    SELECT
        this.*,
        prior_kind.contact_count AS prior_kind_contact_count,
        coalesce(prior.contact_count, 0) AS prior_contact_count,
        coalesce(month.is_order_complete AND prior_month.is_order_complete, false) AS is_comparable
    FROM shared_row AS this
    LEFT JOIN core.month AS month ON month.month = this.month
    LEFT JOIN core.month AS prior_month ON prior_month.month = CAST(this.month - INTERVAL '1 month' AS DATE)
    LEFT JOIN kind_month AS prior_kind
        ON prior_kind.month = CAST(this.month - INTERVAL '1 month' AS DATE)
        AND prior_kind.kind = this.kind
    LEFT JOIN channel_month AS prior
        ON prior.month = CAST(this.month - INTERVAL '1 month' AS DATE)
        AND prior.channel = this.channel
        AND prior.kind = this.kind
)

SELECT
    month,
    channel,
    kind,
    contact_count,
    CAST(contact_count AS DOUBLE) / nullif(kind_contact_count, 0) AS contact_share,
    CASE WHEN is_comparable
        THEN CAST(contact_count AS DOUBLE) / nullif(kind_contact_count, 0)
            - CAST(prior_contact_count AS DOUBLE) / nullif(prior_kind_contact_count, 0)
    END AS share_change_mom,
    kind_contact_count
FROM compared_row
