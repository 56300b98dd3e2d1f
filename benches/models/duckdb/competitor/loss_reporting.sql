-- domain.md, section 5: reports and visits after losses, and the units of others that nobody fought for.
WITH lost AS (
    SELECT closed_quarter AS quarter, opportunity.province, opportunity.product_type, count(*) AS lost_count,
        count(opportunity.loss_report_filed_date) AS reported_count, count(judged.opportunity_id) AS judged_count,
        count(*) FILTER (judged.covered) AS covered_count, coalesce(sum(expected_units), 0) AS expected_units
    FROM core.opportunity AS opportunity LEFT JOIN competitor.reverse_coverage AS judged USING (opportunity_id)
    WHERE status = 'lost'
    GROUP BY ALL
),
registered AS (
    SELECT date_trunc('quarter', month)::DATE AS quarter, province, product_type, sum(units) AS competitor_units
    FROM core.registration WHERE NOT is_own
    GROUP BY ALL
),
counted AS (
    SELECT quarter, province, coalesce(sum(lost_count), 0)::BIGINT AS lost_count, coalesce(sum(reported_count), 0)::BIGINT AS reported_count,
        coalesce(sum(judged_count), 0)::BIGINT AS judged_count, coalesce(sum(covered_count), 0) AS covered_count,
        coalesce(sum(competitor_units), 0)::BIGINT AS competitor_units,
        sum(greatest(0, coalesce(competitor_units, 0) - coalesce(expected_units, 0)))::BIGINT AS never_reported_units
    FROM lost FULL JOIN registered USING (quarter, province, product_type)
    GROUP BY ALL
)
SELECT quarter, province, lost_count, reported_count / nullif(lost_count, 0)::DOUBLE AS report_rate, covered_count / nullif(judged_count, 0)::DOUBLE AS coverage_rate,
    never_reported_units, reported_count, judged_count, competitor_units, region
FROM counted LEFT JOIN core.region USING (province)
