"""dialect.py CURRENT SQL: every model of one schema, run by DuckDB, has the rows that were published.

CURRENT is a published snapshot, SQL the folder of the schema's models; `event` is taken as published, the others are
computed. Numbers may differ by one in 10^9, dates and timestamps of one moment are the same.
"""

import datetime
import decimal
import math
import pathlib
import sys

import duckdb


def cell(value):
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, (int, float, decimal.Decimal)):
        return float(value)
    if isinstance(value, datetime.datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, datetime.date):
        return datetime.datetime.combine(value, datetime.time())
    return str(value)


def same(one, other):
    if type(one) is float and type(other) is float:
        return one == other or (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=1e-9)
    return one == other


def rows(query):
    columns = [column[0].lower() for column in query.description]
    found = [[cell(value) for value in row] for row in query.fetchall()]
    return columns, sorted(found, key=lambda row: [str(value) if type(value) is not float else f"{value:.6e}" for value in row])


current, sql = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
base = duckdb.connect()
base.execute("SET TimeZone = 'UTC'")
base.execute("ATTACH ':memory:' AS local")
base.execute("USE local")


def published(table):
    files = f"read_parquet('{current}/{sql.name}/{table}/data/**/*.parquet')"
    types = base.execute(f"DESCRIBE SELECT * FROM {files}").fetchall()
    # Without the zone: Python would ask for a library of zones.
    columns = [f'make_timestamp(epoch_us("{name}")) AS "{name}"' if "ZONE" in kind else f'"{name}"' for name, kind, *_ in types]
    return f"SELECT {', '.join(columns)} FROM {files}"


base.execute(f"CREATE TABLE event AS {published('event')}")
wrong = 0
for model in sorted(sql.glob("*.sql")):
    if model.stem == "event":
        continue
    theirs, ours = rows(base.execute(model.read_text())), rows(base.execute(published(model.stem)))
    alike = theirs[0] == ours[0] and len(theirs[1]) == len(ours[1])
    alike = alike and all(same(a, b) for one, other in zip(theirs[1], ours[1]) for a, b in zip(one, other))
    if not alike:
        wrong += 1
        print(f"{model.stem}:\n  DuckDB {theirs}\n  here   {ours}")
sys.exit(1 if wrong else 0)
