/* ---
description: >
  Closed opportunities by the brand that we met there: what we won, what we lost and why. The quarter is that of
  closing; an opportunity in which no competitor is named counts under `none`, a competitor that no reference names
  under `unknown`. Rates are of closed opportunities, by number and by expected amount; those without an expected
  amount are in the counts alone. The top reason is the most frequent among the lost ones that give one, ties by
  expected amount, then by name.
owner: sales-operations
key: [quarter, region, product_type, main_competitor]
columns:
  quarter: { type: date, title: { zh: 关闭季度, en: Quarter of closing }, description: First day of the quarter. }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region of the opportunity. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  main_competitor: { type: string, title: { zh: 主要竞争品牌, en: Main competitor }, description: "Member of core.brand, `none` where nobody is named." }
  closed_count: { type: bigint, unit: opportunities, title: { zh: 关闭数, en: Closed }, description: Opportunities won or lost. }
  won_count: { type: bigint, unit: opportunities, title: { zh: 赢单数, en: Won }, description: Opportunities won. }
  lost_count: { type: bigint, unit: opportunities, title: { zh: 丢单数, en: Lost }, description: Opportunities lost. }
  win_rate: { type: double, unit: share, title: { zh: 赢单率, en: Win rate }, description: Won of closed. }
  win_amount_rate: { type: double, unit: share, title: { zh: 赢单金额率, en: Win rate by amount }, description: Expected amount won of that closed. }
  top_lost_reason: { type: string, title: { zh: 首要丢单原因, en: Top lost reason }, description: Most frequent reason of the lost ones. }
  closed_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 关闭金额, en: Closed amount }, description: Expected amount of the closed ones. }
  won_amount: { type: "decimal(18,2)", unit: reporting currency, title: { zh: 赢单金额, en: Won amount }, description: Expected amount of the won ones. }
checks:
  - not_null: [quarter, region, product_type, main_competitor, closed_count, won_count, lost_count, win_rate]
  - expr: won_count + lost_count = closed_count
  - expr: win_rate between 0 and 1 and win_amount_rate between 0 and 1
  - expr: top_lost_reason is null
    where: lost_count = 0
    name: no_reason_without_a_loss
  - expr: (select sum(closed_count) from competitor.win_loss) = (select count(*) from core.opportunity where status in ('won', 'lost'))
    name: every_closed_opportunity_counts_once
--- */
WITH closed_opportunity AS (
    SELECT
        closed_quarter AS quarter,
        region,
        product_type,
        coalesce(main_competitor, 'none') AS main_competitor,
        status,
        expected_amount,
        lost_reason
    FROM core.opportunity
    WHERE status IN ('won', 'lost')
),

reason_count AS (
    SELECT
        quarter,
        region,
        product_type,
        main_competitor,
        lost_reason,
        count(*) AS lost_count,
        sum(expected_amount) AS lost_amount
    FROM closed_opportunity
    WHERE status = 'lost' AND lost_reason IS NOT NULL
    GROUP BY quarter, region, product_type, main_competitor, lost_reason
),

ranked_reason AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY quarter, region, product_type, main_competitor
            ORDER BY lost_count DESC, lost_amount DESC NULLS LAST, lost_reason
        ) AS place
    FROM reason_count
),

closed_group AS (
    SELECT
        quarter,
        region,
        product_type,
        main_competitor,
        count(*) AS closed_count,
        count(CASE WHEN status = 'won' THEN status END) AS won_count,
        sum(expected_amount) AS closed_amount,
        -- of known amounts nothing may be won; of none nothing is known
        sum(CASE WHEN status = 'won' THEN expected_amount WHEN expected_amount IS NOT NULL THEN 0 END) AS won_amount
    FROM closed_opportunity
    GROUP BY quarter, region, product_type, main_competitor
)

SELECT
    closed.quarter,
    closed.region,
    closed.product_type,
    closed.main_competitor,
    closed.closed_count,
    closed.won_count,
    closed.closed_count - closed.won_count AS lost_count,
    CAST(closed.won_count AS DOUBLE) / closed.closed_count AS win_rate,
    CAST(closed.won_amount AS DOUBLE) / nullif(CAST(closed.closed_amount AS DOUBLE), 0) AS win_amount_rate,
    reason.lost_reason AS top_lost_reason,
    CAST(closed.closed_amount AS DECIMAL(18, 2)) AS closed_amount,
    CAST(closed.won_amount AS DECIMAL(18, 2)) AS won_amount
FROM closed_group AS closed
LEFT JOIN ranked_reason AS reason
    ON reason.quarter = closed.quarter
    AND reason.region = closed.region
    AND reason.product_type = closed.product_type
    AND reason.main_competitor = closed.main_competitor
    AND reason.place = 1
