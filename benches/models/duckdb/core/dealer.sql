-- domain.md, section 3: dealers with the place of their seat, and the member that takes what the reference does not name.
SELECT
    dealer.dealer_code,
    dealer.name,
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    coalesce(region.country, 'unknown') AS country,
    dealer.joined_on AS joined_date,
    dealer.left_on AS left_date,
    dealer.credit_grade,
    dealer.is_backbone,
    dealer.coach,
    dealer.authorized_regions
FROM staged.dealer AS dealer
LEFT JOIN core.region AS region ON region.province = dealer.province
UNION ALL
SELECT 'unknown', 'unknown', 'unknown', 'unknown', 'unknown', NULL, NULL, NULL, NULL, NULL, NULL
