"""Writes the queries of TPC-DS and the columns of its tables, as DuckDB's extension holds them.

  tpcds.py EXTENSION FOLDER      FOLDER/queries/<number>.sql, FOLDER/columns.csv (table, column, type)

Needs the duckdb package of the extension's own version; nothing of TPC-DS is kept in the repository.
"""

import csv
import pathlib
import sys

import duckdb

extension, folder = sys.argv[1], pathlib.Path(sys.argv[2])
database = duckdb.connect(config={"allow_unsigned_extensions": "true"})
database.execute(f"LOAD '{extension}'")
database.execute("CALL dsdgen(sf = 0)")
(folder / "queries").mkdir(parents=True, exist_ok=True)
for number, query in database.execute("SELECT query_nr, query FROM tpcds_queries()").fetchall():
    (folder / "queries" / f"{number:02}.sql").write_text(query, encoding="utf-8")
columns = database.execute(
    "SELECT table_name, column_name, data_type FROM information_schema.columns ORDER BY table_name, ordinal_position"
)
with open(folder / "columns.csv", "w", newline="", encoding="utf-8") as file:
    csv.writer(file, lineterminator="\n").writerows(columns.fetchall())
