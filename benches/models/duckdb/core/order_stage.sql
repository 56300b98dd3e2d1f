-- domain.md, section 2 and 3: the eight stages of orders, with the local day of each.
WITH stage AS (
    SELECT *, timezone(getvariable('timezone'), entered_at)::DATE AS entered_date FROM staged.order_stage
)
SELECT
    stage.dealer_code,
    stage.order_no,
    stage.stage,
    stage.attempt,
    date_trunc('month', stage.entered_date)::DATE AS month,
    coalesce(dealer.dealer_code, 'unknown') AS dealer,
    list_position(['received', 'checked', 'entered', 'confirmed', 'posted', 'picked', 'shipped', 'accepted'], stage.stage)::INT AS stage_number,
    stage.entered_at,
    stage.entered_date,
    stage.result
FROM stage
LEFT JOIN core.dealer AS dealer ON dealer.dealer_code = stage.dealer_code
