/* ---
description: >
  Sellers by what they can do and whether they want to: six cells, also where nobody is in one, and what to do with
  those in it. A seller is in the cell that most of the last assessments of his skills name; of two equally frequent
  ones the one assessed later, then the one with more ability, then the willing one. Assessments that lack ability or
  willingness name no cell, and a seller with no other is in none. share is of all sellers who are in a cell.
owner: sales-operations
key: [ability, is_willing]
columns:
  ability: { type: string, title: { zh: 能力, en: Ability }, description: "able, can_learn or cannot_learn." }
  is_willing: { type: boolean, title: { zh: 是否愿意, en: Is willing }, description: The seller is willing. }
  seller_count: { type: bigint, unit: people, title: { zh: 人数, en: Sellers }, description: Sellers in the cell. }
  share: { type: double, unit: share, title: { zh: 占比, en: Share }, description: Sellers in the cell of all in one. }
  advice: { type: string, title: { zh: 建议, en: Advice }, description: "reward, train, reassign, coach, encourage_train or replace." }
checks:
  - not_null: [ability, is_willing, seller_count, advice]
  - row_count: { min: 6, max: 6 }
  - accepted_values: { column: ability, values: [able, can_learn, cannot_learn] }
  - expr: share between 0 and 1
  - expr: (SELECT abs(sum(share) - 1) < 1e-9 FROM sales.skill_matrix)
    name: shares_make_the_whole
--- */
WITH cell AS (
    -- domain.md, section 7: what is done with whom
    SELECT ability, is_willing, advice
    FROM (
        VALUES
            ('able', true, 'reward'),
            ('can_learn', true, 'train'),
            ('cannot_learn', true, 'reassign'),
            ('able', false, 'coach'),
            ('can_learn', false, 'encourage_train'),
            ('cannot_learn', false, 'replace')
    ) AS matrix(ability, is_willing, advice)
),

seller_pair AS (
    SELECT
        assessment.seller,
        cell.ability,
        cell.is_willing,
        count(*) AS skill_count,
        max(assessment.assessed_date) AS last_assessed_date
    FROM core.seller_assessment AS assessment
    JOIN cell ON cell.ability = assessment.ability AND cell.is_willing = assessment.is_willing
    WHERE assessment.is_last
    GROUP BY assessment.seller, cell.ability, cell.is_willing
),

placed_pair AS (
    SELECT
        ability,
        is_willing,
        row_number() OVER (
            PARTITION BY seller
            -- by name, able comes before can_learn and cannot_learn
            ORDER BY skill_count DESC, last_assessed_date DESC, ability, is_willing DESC
        ) AS place
    FROM seller_pair
),

cell_count AS (
    SELECT ability, is_willing, count(*) AS seller_count
    FROM placed_pair
    WHERE place = 1
    GROUP BY ability, is_willing
),

counted_cell AS (
    SELECT
        cell.ability,
        cell.is_willing,
        cell.advice,
        coalesce(cell_count.seller_count, 0) AS seller_count
    FROM cell
    LEFT JOIN cell_count ON cell_count.ability = cell.ability AND cell_count.is_willing = cell.is_willing
)

SELECT
    ability,
    is_willing,
    seller_count,
    CAST(seller_count AS DOUBLE) / nullif(sum(seller_count) OVER (), 0) AS share,
    advice
FROM counted_cell
