-- domain.md, section 7: a seller is in the cell of its most frequent pair of ability and willingness.
WITH last_assessment AS (
    SELECT seller, assessed_date, ability, is_willing
    FROM core.seller_assessment
    QUALIFY row_number() OVER (PARTITION BY seller, skill ORDER BY assessed_date DESC) = 1
),
named_pair AS (
    SELECT seller, ability, is_willing, count(*) AS assessment_count, max(assessed_date) AS last_date
    FROM last_assessment
    WHERE ability IS NOT NULL AND is_willing IS NOT NULL
    GROUP BY seller, ability, is_willing
),
placed_seller AS (
    SELECT seller, ability, is_willing
    FROM named_pair
    QUALIFY row_number() OVER (
        PARTITION BY seller
        ORDER BY
            assessment_count DESC, last_date DESC,
            CASE ability WHEN 'able' THEN 1 WHEN 'can_learn' THEN 2 ELSE 3 END, is_willing DESC
    ) = 1
),
cell (ability, is_willing, advice) AS (
    VALUES
        ('able', TRUE, 'reward'), ('can_learn', TRUE, 'train'), ('cannot_learn', TRUE, 'reassign'),
        ('able', FALSE, 'coach'), ('can_learn', FALSE, 'encourage_train'), ('cannot_learn', FALSE, 'replace')
)
SELECT
    ability,
    is_willing,
    count(seller) AS seller_count,
    count(seller)::DOUBLE / nullif((SELECT count(*) FROM placed_seller), 0) AS share,
    advice
FROM cell LEFT JOIN placed_seller USING (ability, is_willing)
GROUP BY ability, is_willing, advice
