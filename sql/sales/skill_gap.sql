/* ---
description: >
  Which skills sellers lack most: means over each seller's last assessment of the skill, of the scores and the weight
  that it holds. gap is the mean score needed less the mean score now, negative where sellers can do more than is
  asked; priority_score is the gap times the mean weight.
owner: sales-operations
key: [skill]
columns:
  skill: { type: string, title: { zh: 技能, en: Skill }, description: Skill. }
  score_now: { type: double, unit: points, title: { zh: 现有水平, en: Score now }, description: "Mean of what sellers can do, 1 to 10." }
  score_needed: { type: double, unit: points, title: { zh: 所需水平, en: Score needed }, description: "Mean of what their work asks for, 1 to 10." }
  gap: { type: double, unit: points, title: { zh: 差距, en: Gap }, description: Score needed less score now. }
  weight: { type: double, unit: share, title: { zh: 权重, en: Weight }, description: Mean weight of the skill. }
  priority_score: { type: double, unit: points, title: { zh: 优先级得分, en: Priority score }, description: Gap times weight. }
  seller_count: { type: bigint, unit: people, title: { zh: 评估人数, en: Sellers }, description: Sellers who were assessed. }
  last_assessed_date: { type: date, title: { zh: 最近评估日期, en: Last assessed on }, description: Day of the latest assessment. }
checks:
  - not_null: [skill, seller_count, last_assessed_date]
  - expr: seller_count >= 1
  - expr: score_now between 1 and 10 and score_needed between 1 and 10
    severity: warn
--- */
WITH skill_mean AS (
    SELECT
        skill,
        exact_avg(now_score) AS score_now,
        exact_avg(needed_score) AS score_needed,
        exact_avg(weight) AS weight,
        count(*) AS seller_count,
        max(assessed_date) AS last_assessed_date
    FROM core.seller_assessment
    WHERE is_last
    GROUP BY skill
)

SELECT
    skill,
    score_now,
    score_needed,
    score_needed - score_now AS gap,
    weight,
    (score_needed - score_now) * weight AS priority_score,
    seller_count,
    last_assessed_date
FROM skill_mean
