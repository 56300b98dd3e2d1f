-- The instant so many hours later, by the clock around.
CREATE FUNCTION hours_later(instant TIMESTAMP, hours DOUBLE) RETURNS TIMESTAMP
RETURN arrow_cast(
    CAST(instant AS BIGINT) + CAST(hours * 3600000000 AS BIGINT),
    'Timestamp(Microsecond, Some("UTC"))'
);
