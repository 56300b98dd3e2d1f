-- domain.md, sections 1 to 3: opportunities as of the run date, with their members.
WITH logged AS (
    SELECT opportunity_id, max(stage_number) AS stage_number, max(entered_date) AS last_stage_date
    FROM core.opportunity_stage
    GROUP BY opportunity_id
),
visited AS (
    SELECT opportunity_id, max(visited_date) AS last_visit_date
    FROM core.visit
    WHERE opportunity_id IS NOT NULL
    GROUP BY opportunity_id
),
product_type AS (
    SELECT DISTINCT product_type FROM core.product
),
stated AS (
    SELECT
        *,
        CASE WHEN closed_on IS NOT NULL AND status IN ('won', 'lost') THEN status ELSE 'open' END AS status_now,
        list_position(['need', 'evaluating', 'resolving', 'decision', 'implementing'], stage) AS delivered_number
    FROM staged.crm_opportunity
),
reached AS (
    SELECT
        stated.*,
        logged.last_stage_date,
        CASE
            WHEN logged.stage_number IS NULL THEN nullif(stated.delivered_number, 0)
            WHEN status_now = 'open' THEN logged.stage_number
            ELSE greatest(logged.stage_number, nullif(stated.delivered_number, 0))
        END::INTEGER AS stage_number
    FROM stated LEFT JOIN logged USING (opportunity_id)
)
SELECT
    reached.opportunity_id,
    reached.account_id,
    coalesce(account.customer_id, 'unknown') AS customer_id,
    reached.opened_on AS opened_date,
    CASE WHEN status_now <> 'open' THEN reached.closed_on END AS closed_date,
    CASE WHEN status_now <> 'open' THEN date_trunc('quarter', reached.closed_on)::DATE END AS closed_quarter,
    status_now AS status,
    ['need', 'evaluating', 'resolving', 'decision', 'implementing'][stage_number] AS stage,
    stage_number,
    coalesce(reached.kind, 'unknown') AS kind,
    coalesce(reached.sale_type, 'unknown') AS sale_type,
    coalesce(own_place.province, account.province, 'unknown') AS province,
    CASE WHEN own_place.province IS NOT NULL THEN own_place.region ELSE coalesce(account.region, 'unknown') END AS region,
    CASE WHEN own_place.province IS NOT NULL THEN own_place.country ELSE coalesce(account.country, 'unknown') END AS country,
    coalesce(account.industry, 'unknown') AS industry,
    coalesce(product_type.product_type, 'unknown') AS product_type,
    reached.expected_units,
    reached.expected_amount,
    reached.probability,
    reached.quotes_compared::BIGINT AS quotes_compared_count,
    CASE WHEN reached.main_competitor IS NOT NULL THEN coalesce(brand.brand, 'unknown') END AS main_competitor,
    reached.main_competitor AS source_main_competitor,
    reached.lost_reason,
    reached.loss_report_filed_on AS loss_report_filed_date,
    reached.campaign_id,
    reached.salesperson,
    reached.last_stage_date,
    visited.last_visit_date,
    coalesce(greatest(reached.last_stage_date, visited.last_visit_date), reached.opened_on) AS last_activity_date
FROM reached
LEFT JOIN core.account AS account ON account.account_id = reached.account_id
LEFT JOIN core.region AS own_place ON own_place.province = reached.province AND own_place.province <> 'unknown'
LEFT JOIN product_type ON product_type.product_type = reached.product_type
LEFT JOIN core.brand AS brand ON brand.brand = reached.main_competitor
LEFT JOIN visited ON visited.opportunity_id = reached.opportunity_id
