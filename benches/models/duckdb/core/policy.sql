-- domain.md, section 1, "Policy": literals up to the day of their next row, and the whole of which some are parts.
SELECT
    * EXCLUDE (note),
    lead(valid_from) OVER (PARTITION BY key ORDER BY valid_from) AS valid_to,
    CASE
        WHEN contains(key, '.weight_') THEN split_part(key, '.weight_', 1)
        WHEN starts_with(key, 'sales.time_use.ideal.') THEN 'sales.time_use.ideal'
        WHEN starts_with(key, 'sales.loss_funnel.benchmark_') THEN 'sales.loss_funnel.benchmark'
    END AS part_of
FROM staged.policy
