-- domain.md, section 3: what dealers report of competitors, with our price of the month and the members by which reports are rolled up.
WITH own_price AS (
    SELECT
        month,
        product_type,
        sum(units * average_price::DECIMAL(18, 6))::DOUBLE / nullif(sum(units), 0) AS own_price
    FROM core.registration
    WHERE is_own AND average_price IS NOT NULL
    GROUP BY ALL
)
SELECT
    line.report_no,
    date_trunc('month', line.reported_on)::DATE AS month,
    line.observed_on AS observed_date,
    line.reported_on AS reported_date,
    date_diff('day', line.observed_on, line.reported_on) AS delay_days,
    coalesce(dealer.dealer_code, 'unknown') AS dealer,
    line.dealer_code,
    coalesce(brand.brand, 'unknown') AS brand,
    line.brand AS source_brand,
    line.kind,
    coalesce(line.product_type, 'unknown') AS product_type,
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    coalesce(region.country, 'unknown') AS country,
    line.observed_price::DOUBLE AS observed_price,
    own_price.own_price,
    line.counter_measure,
    line.countered_on AS countered_date,
    line.countered_on IS NULL AS is_open
FROM staged.market_intelligence AS line
LEFT JOIN core.dealer AS dealer ON dealer.dealer_code = line.dealer_code
LEFT JOIN core.brand AS brand ON brand.brand = line.brand
LEFT JOIN core.region AS region ON region.province = coalesce(line.province, dealer.province)
LEFT JOIN own_price ON own_price.month = date_trunc('month', line.observed_on)::DATE AND own_price.product_type = line.product_type
