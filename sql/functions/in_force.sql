-- Whether what holds from one day on, and no longer on another, holds on a day. An end that is not known has not come.
CREATE FUNCTION in_force(valid_from DATE, valid_to DATE, day DATE) RETURNS BOOLEAN
RETURN valid_from <= day AND (valid_to IS NULL OR valid_to > day);
