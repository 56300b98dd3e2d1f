-- domain.md, section 1, "Policy": what we want of a segment, up to the day of its next row.
SELECT *, lead(valid_from) OVER (PARTITION BY region, product_type, industry ORDER BY valid_from) AS valid_to
FROM staged.segment_policy
