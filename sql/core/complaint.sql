/* ---
description: >
  Complaints with the members by which they are rolled up. The month is that of the local date of receipt. Place:
  the country overseas, else the province of the complaint, else the place of its customer, else of its dealer.
  is_domestic stays as the call centre gave it: an unknown one is not judged. The extract has no time of the
  confirmation, so it counts from the closing on. Limits follow the policy in force on the last day of the month, as
  complaint.sla says; outside the working-day calendar there is none.
owner: customer-service
key: [complaint_id]
partition_by: [month]
columns:
  complaint_id: { type: string, title: { zh: 投诉编号, en: Complaint }, description: Number of the complaint. }
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the local month of receipt. }
  received_at: { type: timestamp, title: { zh: 受理时间, en: Received at }, description: Moment of receipt. }
  received_date: { type: date, title: { zh: 受理日期, en: Received on }, description: Local day of receipt. }
  channel: { type: string, title: { zh: 渠道, en: Channel }, description: Channel of receipt. }
  customer_id: { type: string, title: { zh: 客户编号, en: Customer }, description: "Customer, `unknown` where none is named." }
  account_id: { type: string, title: { zh: 客户号, en: Account }, description: Account in the CRM as delivered. }
  dealer: { type: string, title: { zh: 经销商, en: Dealer }, description: Member of core.dealer. }
  dealer_code: { type: string, title: { zh: 经销商编码, en: Dealer code }, description: Code as delivered. }
  province: { type: string, title: { zh: 省份, en: Province }, description: "Member of core.region; a country overseas." }
  region: { type: string, title: { zh: 大区, en: Region }, description: Region. }
  country: { type: string, title: { zh: 国家, en: Country }, description: Country. }
  is_domestic: { type: boolean, title: { zh: 是否国内, en: Is domestic }, description: "As delivered; NULL where not known." }
  product: { type: string, title: { zh: 产品, en: Product }, description: Member of core.product. }
  product_code: { type: string, title: { zh: 产品编码, en: Product code }, description: Code as delivered. }
  product_type: { type: string, title: { zh: 产品类型, en: Product type }, description: Product type. }
  series: { type: string, title: { zh: 系列, en: Series }, description: Product series. }
  serial_no: { type: string, title: { zh: 序列号, en: Serial number }, description: Serial number of the machine. }
  kind: { type: string, title: { zh: 类别, en: Kind }, description: "product or service, `unknown` where not given." }
  defect: { type: string, title: { zh: 缺陷, en: Defect }, description: "Defect, `unknown` where not given." }
  priority: { type: string, title: { zh: 优先级, en: Priority }, description: "A, B or C, `unknown` where not given." }
  first_response_at: { type: timestamp, title: { zh: 首次响应时间, en: First response at }, description: Moment of the first response. }
  resolution_mode: { type: string, title: { zh: 处理方式, en: Resolution mode }, description: online or onsite. }
  on_site_at: { type: timestamp, title: { zh: 到达现场时间, en: On site at }, description: Moment of arrival. }
  closed_at: { type: timestamp, title: { zh: 关闭时间, en: Closed at }, description: Moment of closing. }
  is_confirmed: { type: boolean, title: { zh: 顾客确认, en: Is confirmed }, description: "The customer confirmed the solution; only closed complaints carry it." }
  department: { type: string, title: { zh: 部门, en: Department }, description: Department in charge. }
  cause: { type: string, title: { zh: 原因, en: Cause }, description: Cause. }
  responsible_party: { type: string, title: { zh: 责任方, en: Responsible party }, description: Who answers for the cause. }
  response_due_at: { type: timestamp, title: { zh: 响应时限, en: Response due at }, description: "Moment by which a response is in time; NULL where none can be told." }
  on_site_due_at: { type: timestamp, title: { zh: 到场时限, en: On site due at }, description: "Moment by which an arrival is in time; NULL where no visit is judged." }
checks:
  - not_null: [complaint_id, month, received_at, received_date, customer_id, dealer, province, region, country, product, product_type, kind, defect, priority]
  - unique: [complaint_id]
  - accepted_values: { column: kind, values: [product, service, unknown] }
  - accepted_values: { column: priority, values: [A, B, C, unknown] }
  - relationships: { column: dealer, to: core.dealer, field: dealer_code }
  - relationships: { column: product, to: core.product, field: product_code }
  - relationships: { column: province, to: core.region, field: province }
  - expr: month = date_trunc('month', received_date)
  - expr: first_response_at >= received_at and on_site_at >= received_at and closed_at >= received_at
    severity: warn
    name: no_step_before_the_receipt
  - not_null: [is_domestic]
    severity: warn
  - relationships: { column: received_date, to: core.calendar, field: day }
    where: is_domestic = false
    severity: warn
    name: overseas_receipt_lies_in_the_calendar
--- */
WITH home_country AS (
    SELECT DISTINCT country FROM core.region WHERE is_domestic
),

month_policy AS (
    -- the policy in force on the last day of the month of receipt
    SELECT
        complaint_month.month,
        max(CASE WHEN policy.key = 'complaint.sla.domestic_response_hours' THEN policy.value END) AS response_hours,
        max(CASE WHEN policy.key = 'complaint.sla.overseas_response_working_days' THEN CAST(policy.value AS BIGINT) END) AS response_working_days,
        max(CASE WHEN policy.key = 'complaint.sla.on_site_priority' THEN CAST(policy.value AS BIGINT) END) AS on_site_priority_number,
        max(CASE WHEN policy.key = 'complaint.sla.on_site_hours' THEN policy.value END) AS on_site_hours
    FROM (SELECT DISTINCT received_month AS month FROM staged.complaint) AS complaint_month
    JOIN core.policy AS policy -- allow join-without-equality: a validity range over five policies
        ON in_force(policy.valid_from, policy.valid_to, complaint_month.month + INTERVAL '1 month' - INTERVAL '1 day')
    WHERE policy.key LIKE 'complaint.sla.%'
    GROUP BY complaint_month.month
),

home_calendar AS (
    SELECT working_calendar(day, is_working_day) AS days
    FROM core.calendar
    WHERE country IN (SELECT country FROM home_country)
),

overseas_complaint AS (
    -- apart, so that only their rows meet the calendar, which is a long list
    SELECT
        complaint.complaint_id,
        complaint.received_month AS month,
        add_working_days(complaint.received_at, month_policy.response_working_days, home_calendar.days, $timezone) AS response_due_at
    FROM staged.complaint AS complaint
    JOIN month_policy ON month_policy.month = complaint.received_month
    CROSS JOIN home_calendar -- allow join-without-equality: one row, the calendar of the country
    WHERE NOT complaint.is_domestic
),

placed_complaint AS (
    -- domain.md, section 1, "Place": by country overseas, else the province of the row, of the customer, of the dealer
    SELECT
        complaint.*,
        local_date(complaint.received_at, $timezone) AS received_date,
        dealer.dealer_code AS known_dealer_code,
        CASE
            WHEN complaint.country IS NOT NULL AND home_country.country IS NULL THEN complaint.country
            ELSE coalesce(complaint.province, customer.place, nullif(dealer.province, 'unknown'))
        END AS place
    FROM staged.complaint AS complaint
    LEFT JOIN core.customer_place AS customer ON customer.customer_id = complaint.customer_id
    LEFT JOIN core.dealer AS dealer ON dealer.dealer_code = complaint.dealer_code
    LEFT JOIN home_country ON home_country.country = complaint.country
)

SELECT
    complaint.complaint_id,
    complaint.received_month AS month,
    complaint.received_at,
    complaint.received_date,
    complaint.channel,
    coalesce(complaint.customer_id, 'unknown') AS customer_id,
    complaint.account_id,
    coalesce(complaint.known_dealer_code, 'unknown') AS dealer,
    complaint.dealer_code,
    coalesce(region.province, 'unknown') AS province,
    coalesce(region.region, 'unknown') AS region,
    coalesce(region.country, complaint.country, 'unknown') AS country,
    complaint.is_domestic,
    coalesce(product.product_code, 'unknown') AS product,
    complaint.product_code,
    coalesce(product.product_type, 'unknown') AS product_type,
    coalesce(product.series, 'unknown') AS series,
    complaint.serial_no,
    coalesce(complaint.kind, 'unknown') AS kind,
    coalesce(complaint.defect, 'unknown') AS defect,
    coalesce(complaint.priority, 'unknown') AS priority,
    complaint.first_response_at,
    complaint.resolution_mode,
    complaint.on_site_at,
    complaint.closed_at,
    CASE WHEN complaint.closed_at IS NOT NULL THEN complaint.customer_confirmed END AS is_confirmed,
    complaint.department,
    complaint.cause,
    complaint.responsible_party,
    CASE
        WHEN complaint.is_domestic THEN hours_later(complaint.received_at, month_policy.response_hours)
        ELSE overseas_complaint.response_due_at
    END AS response_due_at,
    CASE
        WHEN complaint.is_domestic AND complaint.resolution_mode = 'onsite'
            AND array_position(['A', 'B', 'C'], complaint.priority) <= month_policy.on_site_priority_number
            THEN hours_later(complaint.received_at, month_policy.on_site_hours)
    END AS on_site_due_at
FROM placed_complaint AS complaint
LEFT JOIN month_policy ON month_policy.month = complaint.received_month
LEFT JOIN overseas_complaint
    ON overseas_complaint.complaint_id = complaint.complaint_id
    AND overseas_complaint.month = complaint.received_month
LEFT JOIN core.product AS product ON product.product_code = complaint.product_code
LEFT JOIN core.region AS region ON region.province = complaint.place
