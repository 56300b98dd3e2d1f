-- domain.md, section 2: targets, with the member that they are for.
WITH dealer AS (
    SELECT dealer_code AS member FROM core.dealer
),
region AS (
    SELECT DISTINCT region AS member FROM core.region
)
SELECT
    target.period_from AS period_from_date,
    target.period_to AS period_to_date,
    target.owner_kind,
    target.owner_id,
    target.measure,
    CASE target.owner_kind
        WHEN 'dealer' THEN coalesce(dealer.member, 'unknown')
        WHEN 'region' THEN coalesce(region.member, 'unknown')
        ELSE target.owner_id
    END AS owner_member,
    target.target,
    target.period_from = date_trunc('quarter', target.period_from)
        AND target.period_to = target.period_from + INTERVAL 3 MONTH - INTERVAL 1 DAY AS is_quarter
FROM staged.crm_target AS target
LEFT JOIN dealer ON target.owner_kind = 'dealer' AND dealer.member = target.owner_id
LEFT JOIN region ON target.owner_kind = 'region' AND region.member = target.owner_id
