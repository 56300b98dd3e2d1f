-- domain.md, section 2: diaries, each week in the quarter of its Monday.
SELECT
    seller,
    week AS week_date,
    activity,
    date_trunc('quarter', date_trunc('week', week))::DATE AS quarter,
    minutes::BIGINT AS minutes
FROM staged.seller_time
