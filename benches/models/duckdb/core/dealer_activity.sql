-- domain.md, section 2 and 3: what was done with dealers and for them, by month and kind.
SELECT
    activity.dealer_code,
    activity.month,
    activity.kind,
    coalesce(dealer.dealer_code, 'unknown') AS dealer,
    date_trunc('quarter', activity.month)::DATE AS quarter,
    activity.value
FROM staged.dealer_activity AS activity
LEFT JOIN core.dealer AS dealer ON dealer.dealer_code = activity.dealer_code
