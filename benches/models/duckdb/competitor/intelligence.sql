-- domain.md, sections 1 and 5: reports of competitors; months without one have rows up to 23 months after one.
WITH report AS (
    SELECT month, brand, kind, region, dealer, delay_days, observed_price, own_price, is_open, reported_date FROM core.intelligence
),
due AS (
    SELECT DISTINCT unnest(range(month, least(month + INTERVAL 24 MONTH, getvariable('run_date') + INTERVAL 1 DAY), INTERVAL 1 MONTH))::DATE AS month, brand, kind, region
    FROM (SELECT DISTINCT month, brand, kind, region FROM report)
),
counted AS (
    SELECT month, brand, kind, region, count(*) AS report_count, median(delay_days)::DOUBLE AS median_delay_days,
        sum(observed_price) FILTER (own_price IS NOT NULL) / nullif(sum(own_price) FILTER (observed_price IS NOT NULL), 0) AS price_index,
        count(*) FILTER (is_open) AS open_counter_count, min(reported_date) FILTER (is_open) AS oldest_open
    FROM report
    GROUP BY ALL
),
active AS (
    SELECT month, dealer_code, region
    FROM core.dealer JOIN (SELECT DISTINCT month, last_day(month) AS last_date FROM due) ON coalesce(joined_date <= last_date, true) AND coalesce(left_date > last_date OR left_date < joined_date, true)
    WHERE dealer_code <> 'unknown'
),
active_count AS (
    SELECT month, region, count(*) AS active_dealer_count FROM active GROUP BY ALL
),
reporting AS (
    SELECT month, brand, kind, active.region, count(DISTINCT dealer) AS reporting_dealer_count
    FROM report JOIN active USING (month) WHERE report.dealer = active.dealer_code AND report.region = active.region
    GROUP BY ALL
)
SELECT month, brand, kind, region, coalesce(report_count, 0) AS report_count,
    CASE WHEN report_count > 0 THEN coalesce(reporting_dealer_count, 0) / nullif(active_dealer_count, 0)::DOUBLE END AS reporting_dealer_rate, median_delay_days, price_index,
    coalesce(open_counter_count, 0) AS open_counter_count, getvariable('run_date') - oldest_open AS oldest_open_days,
    coalesce(reporting_dealer_count, 0) AS reporting_dealer_count, coalesce(active_dealer_count, 0) AS active_dealer_count
FROM due
LEFT JOIN counted USING (month, brand, kind, region)
LEFT JOIN active_count USING (month, region)
LEFT JOIN reporting USING (month, brand, kind, region)
