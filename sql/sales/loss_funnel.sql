/* ---
description: >
  Where the units of a market went, by year, region and product type: market_units is exactly the sum of the units won
  (own registrations), those of opportunities that were pursued and lost (they reached the stage of the policy,
  evaluating, or a later one), those of opportunities that were not pursued (other lost ones, and idle ones) and those
  that nobody contacted. An opportunity counts by its expected units, 0 where they are not known, in the year in which
  it closed. An open one is idle when its last stage entry or visit (else its opening) lies more than the policy's
  days before run_date; it counts in the year of that day. Units of opportunities beyond what remains of the market
  are in overflow_units: pursued ones are taken first. A market without registrations has rows for its opportunities,
  all overflow. Policies are those in force on 31 December of the year.
owner: sales-operations
key: [year, region, product_type]
columns:
  year: { type: int, title: { zh: 年份, en: Year }, description: Year. }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  market_units: { type: bigint, unit: units, title: { zh: 市场容量, en: Market units }, description: Registered units of all brands. }
  won_units: { type: bigint, unit: units, title: { zh: 赢单台数, en: Won units }, description: Own registered units. }
  pursued_lost_units: { type: bigint, unit: units, title: { zh: 跟进后丢单台数, en: Pursued and lost units }, description: "Lost after evaluating began, as far as the market holds them." }
  not_pursued_units: { type: bigint, unit: units, title: { zh: 未跟进台数, en: Units not pursued }, description: "Lost earlier, or idle, as far as the market holds them." }
  not_contacted_units: { type: bigint, unit: units, title: { zh: 未接触台数, en: Units not contacted }, description: What remains of the market. }
  won_share: { type: double, unit: share, title: { zh: 赢单占比, en: Won share }, description: Won units of market units. }
  pursued_lost_share: { type: double, unit: share, title: { zh: 跟进后丢单占比, en: Pursued and lost share }, description: Pursued and lost units of market units. }
  not_pursued_share: { type: double, unit: share, title: { zh: 未跟进占比, en: Share not pursued }, description: Units not pursued of market units. }
  not_contacted_share: { type: double, unit: share, title: { zh: 未接触占比, en: Share not contacted }, description: Units not contacted of market units. }
  efficiency_rate: { type: double, unit: rate, title: { zh: 接触效率, en: Efficiency }, description: Contacted units of market units. }
  effectiveness_rate: { type: double, unit: rate, title: { zh: 赢单效果, en: Effectiveness }, description: Won units of contacted units. }
  overflow_units: { type: bigint, unit: units, title: { zh: 溢出台数, en: Overflow }, description: Units of opportunities beyond the market. }
  won_benchmark_share: { type: double, unit: share, title: { zh: 赢单标杆占比, en: Won benchmark }, description: Benchmark of the policy. }
  pursued_lost_benchmark_share: { type: double, unit: share, title: { zh: 跟进后丢单标杆占比, en: Pursued and lost benchmark }, description: Benchmark of the policy. }
  not_pursued_benchmark_share: { type: double, unit: share, title: { zh: 未跟进标杆占比, en: Not pursued benchmark }, description: Benchmark of the policy. }
  not_contacted_benchmark_share: { type: double, unit: share, title: { zh: 未接触标杆占比, en: Not contacted benchmark }, description: Benchmark of the policy. }
checks:
  - not_null: [year, region, product_type, market_units, won_units, pursued_lost_units, not_pursued_units, not_contacted_units, overflow_units, won_benchmark_share]
  - expr: market_units = won_units + pursued_lost_units + not_pursued_units + not_contacted_units
    name: parts_make_the_market
  - expr: least(won_units, pursued_lost_units, not_pursued_units, not_contacted_units, overflow_units) >= 0
    name: no_part_is_negative
  - expr: overflow_units = 0 or not_contacted_units = 0
    name: overflow_only_when_the_market_is_used_up
  - expr: (won_share is null) = (market_units = 0)
  - expr: efficiency_rate between 0 and 1 and effectiveness_rate between 0 and 1
  - expr: (SELECT sum(market_units) FROM sales.loss_funnel) = (SELECT sum(units) FROM core.registration)
    name: no_registration_is_lost
--- */
WITH market_year AS (
    SELECT year, region, product_type, sum(market_units) AS market_units, sum(own_units) AS won_units
    FROM segment.market
    GROUP BY year, region, product_type
),

dated_opportunity AS (
    -- a closed one counts in the year of closing, an open one in that of its last activity
    SELECT
        CAST(date_part('year', coalesce(closed_date, last_activity_date)) AS INT) AS year,
        region,
        product_type,
        status,
        stage_number,
        $run_date - last_activity_date AS quiet_days,
        coalesce(expected_units, 0) AS expected_units
    FROM core.opportunity
    WHERE status <> 'won'
),

year_policy AS (
    -- the policy in force on 31 December of the year
    SELECT
        counted.year,
        max(CASE WHEN policy.key = 'sales.loss_funnel.pursued_from_stage' THEN policy.value END) AS pursued_from_stage,
        max(CASE WHEN policy.key = 'sales.loss_funnel.idle_days' THEN policy.value END) AS idle_days,
        max(CASE WHEN policy.key = 'sales.loss_funnel.benchmark_won' THEN policy.value END) AS won_benchmark_share,
        max(CASE WHEN policy.key = 'sales.loss_funnel.benchmark_pursued_lost' THEN policy.value END) AS pursued_lost_benchmark_share,
        max(CASE WHEN policy.key = 'sales.loss_funnel.benchmark_not_pursued' THEN policy.value END) AS not_pursued_benchmark_share,
        max(CASE WHEN policy.key = 'sales.loss_funnel.benchmark_not_contacted' THEN policy.value END) AS not_contacted_benchmark_share
    FROM (SELECT year FROM market_year UNION SELECT year FROM dated_opportunity) AS counted
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over six policies
        ON in_force(policy.valid_from, policy.valid_to, make_date(counted.year, 12, 31))
    WHERE policy.key LIKE 'sales.loss_funnel.%'
    GROUP BY counted.year
),

opportunity_year AS (
    -- what is open and not idle is still running, and counts nowhere
    SELECT
        opportunity.year,
        opportunity.region,
        opportunity.product_type,
        sum(
            CASE WHEN opportunity.status = 'lost' AND opportunity.stage_number >= year_policy.pursued_from_stage
                THEN opportunity.expected_units
                ELSE 0
            END
        ) AS pursued_lost_units,
        sum(
            CASE WHEN opportunity.status = 'lost' AND opportunity.stage_number >= year_policy.pursued_from_stage
                THEN 0
                ELSE opportunity.expected_units
            END
        ) AS not_pursued_units
    FROM dated_opportunity AS opportunity
    LEFT JOIN year_policy ON year_policy.year = opportunity.year
    WHERE opportunity.status = 'lost' OR opportunity.quiet_days > year_policy.idle_days
    GROUP BY opportunity.year, opportunity.region, opportunity.product_type
),

counted_market AS (
    SELECT
        coalesce(market.year, opportunity.year) AS year,
        coalesce(market.region, opportunity.region) AS region,
        coalesce(market.product_type, opportunity.product_type) AS product_type,
        coalesce(market.market_units, 0) AS market_units,
        coalesce(market.won_units, 0) AS won_units,
        coalesce(opportunity.pursued_lost_units, 0) AS claimed_pursued_units,
        coalesce(opportunity.not_pursued_units, 0) AS claimed_not_pursued_units
    FROM market_year AS market
    FULL JOIN opportunity_year AS opportunity
        ON opportunity.year = market.year
        AND opportunity.region = market.region
        AND opportunity.product_type = market.product_type
),

pursued_market AS (
    SELECT *, least(claimed_pursued_units, market_units - won_units) AS pursued_lost_units
    FROM counted_market
),

capped_market AS (
    -- domain.md, section 7: each is capped at what remains
    SELECT *, least(claimed_not_pursued_units, market_units - won_units - pursued_lost_units) AS not_pursued_units
    FROM pursued_market
),

divided_market AS (
    SELECT
        *,
        market_units - won_units - pursued_lost_units - not_pursued_units AS not_contacted_units,
        won_units + pursued_lost_units + not_pursued_units AS contacted_units,
        claimed_pursued_units + claimed_not_pursued_units - pursued_lost_units - not_pursued_units AS overflow_units
    FROM capped_market
)

SELECT
    market.year,
    market.region,
    market.product_type,
    market.market_units,
    market.won_units,
    market.pursued_lost_units,
    market.not_pursued_units,
    market.not_contacted_units,
    CAST(market.won_units AS DOUBLE) / nullif(market.market_units, 0) AS won_share,
    CAST(market.pursued_lost_units AS DOUBLE) / nullif(market.market_units, 0) AS pursued_lost_share,
    CAST(market.not_pursued_units AS DOUBLE) / nullif(market.market_units, 0) AS not_pursued_share,
    CAST(market.not_contacted_units AS DOUBLE) / nullif(market.market_units, 0) AS not_contacted_share,
    CAST(market.contacted_units AS DOUBLE) / nullif(market.market_units, 0) AS efficiency_rate,
    CAST(market.won_units AS DOUBLE) / nullif(market.contacted_units, 0) AS effectiveness_rate,
    market.overflow_units,
    year_policy.won_benchmark_share,
    year_policy.pursued_lost_benchmark_share,
    year_policy.not_pursued_benchmark_share,
    year_policy.not_contacted_benchmark_share
FROM divided_market AS market
LEFT JOIN year_policy ON year_policy.year = market.year
