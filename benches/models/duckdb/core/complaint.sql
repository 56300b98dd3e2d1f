-- domain.md, section 3: complaints with the members by which they are rolled up, and the limits of section 9.
WITH home AS (
    SELECT day, is_working_day, working_day_number FROM core.calendar
    WHERE country = (SELECT any_value(country) FROM core.region WHERE is_domestic)
),
limited AS (
    SELECT
        month,
        max(value) FILTER (key = 'complaint.sla.domestic_response_hours') AS home_hours,
        max(value) FILTER (key = 'complaint.sla.overseas_response_working_days')::BIGINT AS working_days,
        max(value) FILTER (key = 'complaint.sla.on_site_hours') AS on_site_hours,
        max(value) FILTER (key = 'complaint.sla.on_site_priority') AS on_site_priority
    FROM (SELECT DISTINCT received_month AS month FROM staged.complaint)
    JOIN core.policy ON valid_from <= last_day(month) AND (valid_to IS NULL OR last_day(month) < valid_to)
    GROUP BY month
),
placed AS (
    SELECT
        complaint.*,
        timezone(getvariable('timezone'), complaint.received_at) AS received_local,
        received_local::DATE AS received_date,
        CASE
            WHEN complaint.country NOT IN (SELECT country FROM core.region WHERE is_domestic) THEN complaint.country
            WHEN complaint.province IS NOT NULL THEN complaint.province
            WHEN customer.country NOT IN (SELECT country FROM core.region WHERE is_domestic) THEN customer.country
            ELSE coalesce(customer.province, dealer.province)
        END AS place,
        dealer.dealer_code AS known_dealer
    FROM staged.complaint AS complaint
    LEFT JOIN core.customer_identity AS customer ON customer.customer_id = complaint.customer_id
    LEFT JOIN core.dealer AS dealer ON dealer.dealer_code = complaint.dealer_code
)
SELECT
    line.complaint_id,
    date_trunc('month', line.received_date)::DATE AS month,
    line.received_at,
    line.received_date,
    line.channel,
    coalesce(line.customer_id, 'unknown') AS customer_id,
    line.account_id,
    coalesce(line.known_dealer, 'unknown') AS dealer,
    line.dealer_code,
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    coalesce(region.country, line.country, 'unknown') AS country,
    line.is_domestic,
    coalesce(product.product_code, 'unknown') AS product,
    line.product_code,
    coalesce(product.product_type, 'unknown') AS product_type,
    coalesce(product.series, 'unknown') AS series,
    line.serial_no,
    coalesce(line.kind, 'unknown') AS kind,
    coalesce(line.defect, 'unknown') AS defect,
    coalesce(line.priority, 'unknown') AS priority,
    line.first_response_at,
    line.resolution_mode,
    line.on_site_at,
    line.closed_at,
    CASE WHEN line.closed_at IS NOT NULL THEN line.customer_confirmed END AS is_confirmed,
    line.department,
    line.cause,
    line.responsible_party,
    CASE
        WHEN line.is_domestic THEN line.received_at + to_microseconds((limited.home_hours * 3.6e9)::BIGINT)
        WHEN NOT line.is_domestic
            THEN timezone(getvariable('timezone'), due.day + CASE WHEN received.is_working_day THEN line.received_local::TIME ELSE TIME '00:00' END)
    END AS response_due_at,
    CASE WHEN line.is_domestic AND line.resolution_mode = 'onsite' AND position(line.priority IN 'ABC') BETWEEN 1 AND limited.on_site_priority
        THEN line.received_at + to_microseconds((limited.on_site_hours * 3.6e9)::BIGINT) END AS on_site_due_at
FROM placed AS line
LEFT JOIN limited ON limited.month = line.received_month
LEFT JOIN home AS received ON received.day = line.received_date
-- from a day off the count begins on the next working day, which is the first of them
LEFT JOIN home AS due ON due.is_working_day
    AND due.working_day_number = received.working_day_number + limited.working_days + CASE WHEN received.is_working_day THEN 0 ELSE 1 END
LEFT JOIN core.region AS region ON region.province = line.place
LEFT JOIN core.product AS product ON product.product_code = line.product_code
