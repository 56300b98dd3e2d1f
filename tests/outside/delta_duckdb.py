#!/usr/bin/env python3
"""Compares the public tables of a snapshot as DuckDB's Delta extension reads them with `views.sql`.

    PYTHONPATH=FOLDER python delta_duckdb.py warehouse/current

FOLDER has the extension and the version of DuckDB that it is made for, which need not be that of the other readers. Column
names, types and rows must be the same. Prints one line; on a difference it prints it and leaves with exit code 1.
"""

import json
import sys
from pathlib import Path

import duckdb
import duckdb_extension_delta


def main():
    root = Path(sys.argv[1]).resolve()
    extension = next(Path(duckdb_extension_delta.__file__).parent.rglob("delta.duckdb_extension"))
    base = duckdb.connect()
    base.execute("SET TimeZone = 'UTC'")
    base.execute(f"LOAD '{extension}'")
    base.execute((root / "views.sql").read_text())
    tables = json.loads((root / "manifest.json").read_text())["tables"]
    private = ("staged", "quarantine")
    public = [name for name in tables if name.split(".")[0] not in private and name != "ops.check_failure" and not name.endswith("_identity")]
    rows = sum(compare(base, root, *name.split(".")) for name in public)
    print(f"DuckDB {duckdb.__version__} reads {len(public)} Delta tables: {rows} rows")


def compare(base, root, schema, table):
    """Leaves unless both sides are equal; returns the number of rows."""
    folder = str(root / schema / table).replace("'", "''")
    parquet, delta = f'FROM "{schema}"."{table}"', f"FROM delta_scan('{folder}')"
    columns = [base.execute(f"DESCRIBE {side}").fetchall() for side in (parquet, delta)]
    if [column[:2] for column in columns[0]] != [column[:2] for column in columns[1]]:
        sys.exit(f"{schema}.{table}: DuckDB's Delta has the columns {columns[1]} instead of {columns[0]}")
    for one, other, word in ((parquet, delta, "misses"), (delta, parquet, "has besides")):
        odd = base.execute(f"SELECT * {one} EXCEPT ALL SELECT * {other} LIMIT 2").fetchall()
        if odd:
            sys.exit(f"{schema}.{table}: DuckDB's Delta {word} {odd}")
    return base.execute(f"SELECT count(*) {delta}").fetchone()[0]


main()
