-- domain.md, section 1, "As of", and section 3: opportunities as of run_date; one that closed later is open.
WITH logged AS (
    SELECT opportunity_id, max(stage_number) AS stage_number, max(entered_date) AS last_stage_date FROM core.opportunity_stage GROUP BY opportunity_id
),
visited AS (
    SELECT opportunity_id, max(visited_date) AS last_visit_date FROM core.visit WHERE opportunity_id IS NOT NULL GROUP BY opportunity_id
),
judged AS (
    SELECT
        *,
        CASE WHEN closed_on IS NOT NULL AND status IN ('won', 'lost') THEN status ELSE 'open' END AS own_status,
        list_position(['need', 'evaluating', 'resolving', 'decision', 'implementing'], stage) AS delivered_number
    FROM staged.crm_opportunity
),
placed AS (
    SELECT
        judged.*,
        CASE WHEN own_status <> 'open' THEN closed_on END AS closed_date,
        CASE WHEN own_status <> 'open' THEN greatest(logged.stage_number, delivered_number) ELSE coalesce(logged.stage_number, delivered_number) END
            AS stage_number,
        logged.last_stage_date,
        visited.last_visit_date,
        account.customer_id,
        account.province AS account_province,
        account.industry,
        coalesce(judged.province, account.province, 'unknown') AS place
    FROM judged
    LEFT JOIN logged ON logged.opportunity_id = judged.opportunity_id
    LEFT JOIN visited ON visited.opportunity_id = judged.opportunity_id
    LEFT JOIN core.account AS account ON account.account_id = judged.account_id
)
SELECT
    placed.opportunity_id,
    placed.account_id,
    coalesce(placed.customer_id, 'unknown') AS customer_id,
    placed.opened_on AS opened_date,
    placed.closed_date,
    date_trunc('quarter', placed.closed_date)::DATE AS closed_quarter,
    placed.own_status AS status,
    (['need', 'evaluating', 'resolving', 'decision', 'implementing'])[placed.stage_number] AS stage,
    placed.stage_number::INT AS stage_number,
    coalesce(placed.kind, 'unknown') AS kind,
    coalesce(placed.sale_type, 'unknown') AS sale_type,
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    coalesce(region.country, 'unknown') AS country,
    coalesce(placed.industry, 'unknown') AS industry,
    CASE WHEN placed.product_type IN (SELECT product_type FROM core.product) THEN placed.product_type ELSE 'unknown' END AS product_type,
    placed.expected_units,
    placed.expected_amount,
    placed.probability,
    placed.quotes_compared::BIGINT AS quotes_compared_count,
    CASE WHEN placed.main_competitor IS NOT NULL THEN coalesce(brand.brand, 'unknown') END AS main_competitor,
    placed.main_competitor AS source_main_competitor,
    placed.lost_reason,
    placed.loss_report_filed_on AS loss_report_filed_date,
    placed.campaign_id,
    placed.salesperson,
    placed.last_stage_date,
    placed.last_visit_date,
    coalesce(greatest(placed.last_stage_date, placed.last_visit_date), placed.opened_on) AS last_activity_date
FROM placed
LEFT JOIN core.region AS region ON region.province = placed.place
LEFT JOIN core.brand AS brand ON brand.brand = placed.main_competitor
