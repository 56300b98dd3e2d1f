/* ---
description: >
  Assessments of sellers by skill, as delivered. `ability` says what the seller can do or learn, as a text.
owner: sales-operations
key: [seller, skill, assessed_date]
columns:
  seller: { type: string, title: { zh: 销售员, en: Seller }, description: Name of the seller. }
  skill: { type: string, title: { zh: 技能, en: Skill }, description: Skill. }
  assessed_date: { type: date, title: { zh: 评估日期, en: Assessed on }, description: Day of the assessment. }
  now_score: { type: double, unit: points, title: { zh: 现有水平, en: Score now }, description: "What the seller can do, 1 to 10." }
  needed_score: { type: double, unit: points, title: { zh: 所需水平, en: Score needed }, description: "What the work asks for, 1 to 10." }
  weight: { type: double, unit: share, title: { zh: 权重, en: Weight }, description: Weight of the skill in the seller's work. }
  ability: { type: string, title: { zh: 能力, en: Ability }, description: "able, can_learn or cannot_learn." }
  is_willing: { type: boolean, title: { zh: 是否愿意, en: Is willing }, description: The seller is willing. }
  is_last: { type: boolean, title: { zh: 是否最近, en: Is last }, description: "The seller's last assessment of the skill." }
checks:
  - not_null: [seller, skill, assessed_date, is_last]
  - unique: [seller, skill, assessed_date]
  - accepted_values: { column: ability, values: [able, can_learn, cannot_learn] }
  - expr: now_score between 1 and 10 and needed_score between 1 and 10
    severity: warn
--- */
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
