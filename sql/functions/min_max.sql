-- Where a value lies between the least and the greatest of its period: 0 to 1, and 0.5 where all are equal (domain.md, section 1,
-- "Arithmetic").
CREATE FUNCTION min_max(value DOUBLE, least_value DOUBLE, greatest_value DOUBLE) RETURNS DOUBLE
RETURN CASE
    WHEN value IS NULL THEN NULL
    WHEN least_value = greatest_value THEN 0.5
    ELSE (value - least_value) / (greatest_value - least_value)
END;
