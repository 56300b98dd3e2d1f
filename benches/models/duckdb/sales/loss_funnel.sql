-- domain.md, section 7: market = won + pursued and lost + not pursued + not contacted, each capped at what remains.
WITH limit_at AS (
    SELECT key, value, valid_from, coalesce(valid_to, DATE '9999-12-31') AS valid_to FROM core.policy WHERE key LIKE 'sales.loss_funnel.%'
),
gone_opportunity AS (
    SELECT
        region,
        product_type,
        stage_number,
        expected_units,
        status,
        CASE status WHEN 'lost' THEN closed_date ELSE last_activity_date END AS day
    FROM core.opportunity
    WHERE status IN ('lost', 'open')
),
judged AS (
    SELECT
        year(gone.day)::INTEGER AS year,
        gone.region,
        gone.product_type,
        coalesce(gone.expected_units, 0) AS units,
        gone.status = 'lost' AND coalesce(gone.stage_number >= stage.value, FALSE) AS is_pursued
    FROM gone_opportunity AS gone
    LEFT JOIN limit_at AS stage
        ON stage.key = 'sales.loss_funnel.pursued_from_stage'
        AND make_date(year(gone.day), 12, 31) >= stage.valid_from AND make_date(year(gone.day), 12, 31) < stage.valid_to
    LEFT JOIN limit_at AS idle
        ON idle.key = 'sales.loss_funnel.idle_days'
        AND make_date(year(gone.day), 12, 31) >= idle.valid_from AND make_date(year(gone.day), 12, 31) < idle.valid_to
    WHERE gone.status = 'lost' OR date_diff('day', gone.day, getvariable('run_date')) > idle.value
),
asked AS (
    SELECT
        year,
        region,
        product_type,
        sum(units) FILTER (is_pursued) AS pursued,
        sum(units) FILTER (NOT is_pursued) AS not_pursued
    FROM judged
    GROUP BY year, region, product_type
),
market AS (
    SELECT year, region, product_type, sum(market_units)::BIGINT AS market_units, sum(own_units)::BIGINT AS won_units
    FROM segment.market
    GROUP BY year, region, product_type
),
joined AS (
    SELECT
        year,
        region,
        product_type,
        coalesce(market_units, 0) AS market_units,
        coalesce(won_units, 0) AS won_units,
        coalesce(pursued, 0)::BIGINT AS pursued,
        coalesce(not_pursued, 0)::BIGINT AS not_pursued
    FROM market FULL JOIN asked USING (year, region, product_type)
),
first_cap AS (
    SELECT *, least(pursued, market_units - won_units) AS pursued_lost_units FROM joined
),
second_cap AS (
    SELECT *, least(not_pursued, market_units - won_units - pursued_lost_units) AS not_pursued_units FROM first_cap
),
benchmark AS (
    SELECT
        joined.year,
        max(value) FILTER (key = 'sales.loss_funnel.benchmark_won') AS won,
        max(value) FILTER (key = 'sales.loss_funnel.benchmark_pursued_lost') AS pursued_lost,
        max(value) FILTER (key = 'sales.loss_funnel.benchmark_not_pursued') AS not_pursued,
        max(value) FILTER (key = 'sales.loss_funnel.benchmark_not_contacted') AS not_contacted
    FROM (SELECT DISTINCT year FROM joined) AS joined
    JOIN limit_at ON make_date(joined.year, 12, 31) >= valid_from AND make_date(joined.year, 12, 31) < valid_to
    GROUP BY joined.year
),
funnel AS (
    SELECT *, market_units - won_units - pursued_lost_units - not_pursued_units AS not_contacted_units FROM second_cap
)
SELECT
    funnel.year,
    region,
    product_type,
    market_units,
    won_units,
    pursued_lost_units,
    not_pursued_units,
    not_contacted_units,
    won_units::DOUBLE / nullif(market_units, 0) AS won_share,
    pursued_lost_units::DOUBLE / nullif(market_units, 0) AS pursued_lost_share,
    not_pursued_units::DOUBLE / nullif(market_units, 0) AS not_pursued_share,
    not_contacted_units::DOUBLE / nullif(market_units, 0) AS not_contacted_share,
    (market_units - not_contacted_units)::DOUBLE / nullif(market_units, 0) AS efficiency_rate,
    won_units::DOUBLE / nullif(market_units - not_contacted_units, 0) AS effectiveness_rate,
    funnel.pursued + funnel.not_pursued - pursued_lost_units - not_pursued_units AS overflow_units,
    benchmark.won AS won_benchmark_share,
    benchmark.pursued_lost AS pursued_lost_benchmark_share,
    benchmark.not_pursued AS not_pursued_benchmark_share,
    benchmark.not_contacted AS not_contacted_benchmark_share
FROM funnel LEFT JOIN benchmark ON benchmark.year = funnel.year
