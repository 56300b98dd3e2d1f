/* ---
description: >
  Corrective actions, one row per action number. The month is that of the opening. A missing origin, kind of party,
  party or defect is `unknown`.
owner: quality
key: [action_no]
columns:
  action_no: { type: string, title: { zh: 整改编号, en: Action }, description: Number of the action. }
  month: { type: date, title: { zh: 月份, en: Month }, description: First day of the month of opening. }
  origin: { type: string, title: { zh: 来源, en: Origin }, description: "complaint, survey, intelligence, loss_report, benchmark_gap or unknown." }
  complaint_id: { type: string, title: { zh: 投诉编号, en: Complaint }, description: Complaint that the action answers. }
  defect: { type: string, title: { zh: 缺陷, en: Defect }, description: "Defect, `unknown` where not given." }
  party_kind: { type: string, title: { zh: 责任方类别, en: Kind of party }, description: "department, dealer, supplier or unknown." }
  party: { type: string, title: { zh: 责任方, en: Party }, description: "Who acts, `unknown` where not given." }
  opened_date: { type: date, title: { zh: 提出日期, en: Opened on }, description: Day of the opening. }
  due_date: { type: date, title: { zh: 要求日期, en: Due on }, description: Day on which it is to be done. }
  done_date: { type: date, title: { zh: 完成日期, en: Done on }, description: Day on which it was done. }
  verified_date: { type: date, title: { zh: 验证日期, en: Verified on }, description: Day on which its effect was verified. }
checks:
  - not_null: [action_no, month, origin, defect, party_kind, party, opened_date]
  - accepted_values: { column: origin, values: [complaint, survey, intelligence, loss_report, benchmark_gap, unknown] }
  - accepted_values: { column: party_kind, values: [department, dealer, supplier, unknown] }
  - expr: month = date_trunc('month', opened_date)
  - expr: due_date >= opened_date and done_date >= opened_date
    severity: warn
    name: no_step_before_the_opening
  - expr: verified_date >= done_date
    severity: warn
    name: verified_after_it_was_done
  - { relationships: { column: complaint_id, to: core.complaint, field: complaint_id }, severity: warn }
--- */
SELECT
    action_no,
    CAST(date_trunc('month', opened_on) AS DATE) AS month,
    coalesce(origin, 'unknown') AS origin,
    complaint_id,
    coalesce(defect, 'unknown') AS defect,
    coalesce(party_kind, 'unknown') AS party_kind,
    coalesce(party, 'unknown') AS party,
    opened_on AS opened_date,
    due_on AS due_date,
    done_on AS done_date,
    verified_on AS verified_date
FROM staged.corrective_action
