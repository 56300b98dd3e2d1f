-- Surveys as planned: they have no event date and are taken as delivered.
SELECT survey_id, respondent_type, method, period_from, period_to, sent_count FROM staged.survey_plan
