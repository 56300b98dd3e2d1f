-- Assessments by run_date, and which of them is the seller's last one of the skill.
SELECT
    seller,
    skill,
    assessed_on AS assessed_date,
    score_now AS now_score,
    score_needed AS needed_score,
    weight,
    ability,
    is_willing,
    assessed_on = max(assessed_on) OVER (PARTITION BY seller, skill) AS is_last
FROM staged.seller_assessment
