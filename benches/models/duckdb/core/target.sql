-- Targets have no event date and are taken as delivered.
SELECT
    target.period_from AS period_from_date,
    target.period_to AS period_to_date,
    target.owner_kind,
    target.owner_id,
    target.measure,
    CASE target.owner_kind
        WHEN 'dealer' THEN coalesce(dealer.dealer_code, 'unknown')
        WHEN 'region' THEN CASE WHEN target.owner_id IN (SELECT region FROM core.region) THEN target.owner_id ELSE 'unknown' END
        ELSE target.owner_id
    END AS owner_member,
    target.target,
    date_trunc('quarter', target.period_from) = target.period_from
        AND target.period_to = (target.period_from + INTERVAL 3 MONTH - INTERVAL 1 DAY)::DATE AS is_quarter
FROM staged.crm_target AS target
LEFT JOIN core.dealer AS dealer ON target.owner_kind = 'dealer' AND dealer.dealer_code = target.owner_id
