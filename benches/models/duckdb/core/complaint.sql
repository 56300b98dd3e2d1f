-- domain.md, section 3: complaints with the members by which they are rolled up.
WITH placed AS (
    SELECT
        complaint.*,
        timezone(getvariable('timezone'), complaint.received_at)::DATE AS received_date,
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
    line.responsible_party
FROM placed AS line
LEFT JOIN core.region AS region ON region.province = line.place
LEFT JOIN core.product AS product ON product.product_code = line.product_code
