-- Outlets as the reference has them, with the members of province and dealer.
SELECT
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    outlet.kind,
    coalesce(dealer.dealer_code, 'unknown') AS dealer,
    outlet.province AS source_province,
    outlet.dealer AS source_dealer
FROM staged.outlet AS outlet
LEFT JOIN core.region AS region ON region.province = outlet.province
LEFT JOIN core.dealer AS dealer ON dealer.dealer_code = outlet.dealer
