"""Opens a published warehouse with DuckDB. In: a warehouse folder. Out: a connection that knows its tables as models see them.

What models read and readers do not see is there too: staged rows, cut as of the run date, and the customers with their phones.
"""

import json
import pathlib

import duckdb

SECOND = pathlib.Path(__file__).resolve().parent / "duckdb"


def name(text):
    """Returns an identifier in quotes."""
    return '"' + text.replace('"', '""') + '"'


def second_implementations():
    """Returns the SQL file of each table that has a second implementation."""
    return {f"{path.parent.name}.{path.stem}": path for path in sorted(SECOND.glob("*/*.sql"))}


def connect(warehouse, timezone):
    """Opens all tables of the served snapshot as views; returns the connection and the manifest."""
    snapshot = (warehouse / "current").resolve()
    manifest = json.loads((snapshot / "manifest.json").read_text(encoding="utf-8"))
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET VARIABLE run_date = DATE '{manifest['run_date']}'")
    connection.execute(f"SET VARIABLE timezone = '{timezone}'")
    connection.execute((snapshot / "views.sql").read_text(encoding="utf-8"))
    for table, facts in manifest["tables"].items():
        schema, own = table.split(".")
        if schema in ("normalized", "quarantine", "ops") or not (snapshot / "private" / schema / own / "data").is_dir():
            continue
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {name(schema)}")
        connection.execute(f"CREATE OR REPLACE VIEW {name(schema)}.{name(own)} AS {staged(snapshot, schema, own, facts)}")
    return connection, manifest


def staged(snapshot, schema, table, facts):
    """Reads a staged table as models see it: cut after the run date, later stages NULL."""
    def local_date(column):
        kind = next(one["type"] for one in facts["columns"] if one["name"] == column)
        if kind.startswith("Timestamp"):
            return f"CAST(timezone(getvariable('timezone'), {name(column)}) AS DATE)"
        return name(column)

    typed = {one["name"]: one["type"] for one in facts["columns"]}
    parts = ", ".join(f"'{column}': {'DATE' if typed[column] == 'Date32' else 'BIGINT' if typed[column].startswith('Int') else 'VARCHAR'}"
                      for column in facts["partition_by"])
    hive = f"hive_partitioning = true, hive_types = {{{parts}}}" if parts else "hive_partitioning = false"
    columns = [f"CASE WHEN {local_date(column)} <= getvariable('run_date') THEN {name(column)} END AS {name(column)}"
               if column in facts.get("as_of", []) else name(column) for column in typed]
    cut = facts.get("event_date")
    where = f" WHERE {local_date(cut)} <= getvariable('run_date')" if cut else ""
    glob = f"{snapshot}/private/{schema}/{table}/data/**/*.parquet"
    return f"SELECT {', '.join(columns)} FROM read_parquet('{glob}', {hive}){where}"
