/* ---
description: Where a value lies between the lowest and the highest of its period, from 0 to 1; 0.5 where all are equal.
examples:
  min_max_score(5, 0, 20): 0.25
  min_max_score(7, 7, 7): 0.5
  min_max_score(NULL, 0, 20): null
--- */
CREATE FUNCTION min_max_score(value DOUBLE, lowest DOUBLE, highest DOUBLE) RETURNS DOUBLE
RETURN CASE
    WHEN value IS NULL THEN NULL
    WHEN round(highest - lowest, 12) = 0 THEN 0.5
    ELSE (value - lowest) / (highest - lowest)
END;
