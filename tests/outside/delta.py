#!/usr/bin/env python3
"""Reads the public tables of a snapshot as Delta tables and compares them, value by value, with their Parquet files.

    python delta.py warehouse/current [--version core.sale=3 …]

The plain side is DuckDB over `views.sql`; the Delta side is delta-rs, Polars and, where `.ci/readers` has installed it
(`sys.prefix`/duckdb-delta), DuckDB's Delta extension. Column names, types and rows must be the
same. Then every file that a log adds is opened: its rows, NULLs, smallest and largest values must be what the log says, so
that a reader that skips files by them misses no row; a filter on every partition value must give that partition's rows.
Prints one line; on a difference it prints it and leaves with exit code 1.
"""

import argparse
import datetime
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from deltalake import DeltaTable, QueryBuilder


def public(manifest):
    return {name: table for name, table in manifest["tables"].items() if name.split(".")[0] not in ("staged", "quarantine") and name != "ops.check_failure" and not name.endswith("_identity")}


def plain(value):
    """A value in a form that compares and sorts across readers."""
    if isinstance(value, datetime.datetime) and value.tzinfo:
        return value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
    if isinstance(value, float) and value != value:
        return "NaN"
    return value


def rows(table, columns):
    """Sorted rows as texts, so that NULL, numbers and words can be told apart and ordered."""
    lists = [[repr(plain(value)) for value in table.column(name).to_pylist()] for name in columns]
    return sorted(zip(*lists)) if lists else []


def differ(name, reader, expected, found):
    missing, extra = list(expected), []
    for row in found:
        missing.remove(row) if row in missing else extra.append(row)
    sys.exit(f"{name}: {reader} has {len(found)} rows instead of {len(expected)}; missing {missing[:2]}, extra {extra[:2]}")


def check_rows(name, reader, expected, found):
    if expected != found:
        differ(name, reader, expected, found)


def check_types(name, parquet, delta):
    """The Delta table has the columns of the files, in their order, with their types."""
    if parquet.names != delta.names:
        sys.exit(f"{name}: Delta has the columns {delta.names} instead of {parquet.names}")
    for field in parquet:
        if delta.field(field.name).type != field.type:
            sys.exit(f"{name}.{field.name}: Delta has {delta.field(field.name).type} instead of {field.type}")


def bounds(value, kind):
    """Reads a bound of a log as a value of its column."""
    if pa.types.is_date(kind):
        return datetime.date.fromisoformat(value)
    if pa.types.is_timestamp(kind):
        return datetime.datetime.fromisoformat(value.removesuffix("Z"))
    return value


def check_statistics(name, root, add):
    table = pq.ParquetFile(root / unquote(add["path"])).read()
    stats = json.loads(add["stats"], parse_float=Decimal)
    if stats["numRecords"] != table.num_rows:
        sys.exit(f"{name}: the log says {stats['numRecords']} rows of {add['path']}, which has {table.num_rows}")
    for column in table.column_names:
        values = table.column(column)
        told = stats.get("nullCount", {}).get(column)
        if told is not None and told != values.null_count:
            sys.exit(f"{name}.{column}: the log says {told} NULLs of {values.null_count} in {add['path']}")
        known = [plain(value) for value in values.to_pylist() if value is not None]
        for key, holds in (("minValues", lambda bound, value: bound <= value), ("maxValues", lambda bound, value: bound >= value)):
            bound = stats.get(key, {}).get(column)
            if bound is None:
                continue
            bound = bounds(bound, values.type)
            wrong = [value for value in known if not holds(bound, value)]
            if wrong:
                sys.exit(f"{name}.{column}: {key} is {bound!r} in the log, but {add['path']} holds {wrong[0]!r}")
    return len(stats.get("minValues", {}))


def adds_of(root):
    """The live files of a log, read by hand: the checkpoint, then the versions after it."""
    log, live, first = root / "_delta_log", {}, 0
    last = log / "_last_checkpoint"
    if last.exists():
        first = json.loads(last.read_text())["version"]
        for add in pq.read_table(log / f"{first:020}.checkpoint.parquet").column("add").to_pylist():
            if add:
                live[add["path"]] = add | {"partitionValues": dict(add["partitionValues"])}
        first += 1
    for file in sorted(log.glob("*.json")):
        if int(file.stem) < first:
            continue
        for action in map(json.loads, file.read_text().splitlines()):
            if "remove" in action:
                del live[action["remove"]["path"]]
            if "add" in action:
                live[action["add"]["path"]] = action["add"]
    return live


def check_files(name, root, table, live):
    named = {f"data/{file['path']}": partition for partition in table["partitions"] for file in partition["files"]}
    found = {unquote(path): add for path, add in live.items()}
    if named.keys() != found.keys():
        sys.exit(f"{name}: the log has the files {sorted(found)} instead of {sorted(named)}")
    for path, partition in named.items():
        values = dict(zip(table["partition_by"], partition["values"]))
        if found[path]["partitionValues"] != values:
            sys.exit(f"{name}: {path} has the values {found[path]['partitionValues']} instead of {values}")
        if found[path]["size"] != (root / path).stat().st_size:
            sys.exit(f"{name}: {path} has another size than the log says")


def check_pruning(name, delta, table, expected):
    """A filter on partition values finds the rows of that partition."""
    arrow = delta.to_pyarrow_dataset()
    for partition in table["partitions"][:20]:
        pairs = list(zip(table["partition_by"], partition["values"]))
        wanted = None
        for column, value in pairs:
            kind = arrow.schema.field(column).type
            this = ds.field(column).is_null() if value is None else ds.field(column) == pa.scalar(value).cast(kind)
            wanted = this if wanted is None else wanted & this
        if wanted is not None and arrow.count_rows(filter=wanted) != partition["rows"]:
            sys.exit(f"{name}: a filter on {pairs} finds {arrow.count_rows(filter=wanted)} of {partition['rows']} rows")


def check_table(connection, root, name, table):
    schema, short = name.split(".")
    folder = root / schema / short
    columns = [column["name"] for column in table["columns"]]
    parquet = connection.sql(f'SELECT * FROM "{schema}"."{short}"').to_arrow_table()
    expected = rows(parquet, columns)
    delta = DeltaTable(folder)
    arrow = delta.to_pyarrow_table()
    check_types(name, parquet.schema, arrow.schema)
    check_rows(name, "delta-rs (pyarrow)", expected, rows(arrow, columns))
    engine = pa.table(QueryBuilder().register("t", delta).execute("SELECT * FROM t").read_all())
    check_rows(name, "delta-rs (its engine)", expected, rows(engine, columns))
    check_rows(name, "Polars", expected, rows(pl.scan_delta(str(folder)).collect().to_arrow(), columns))
    live = adds_of(folder)
    check_files(name, folder, table, live)
    bounded = sum(check_statistics(name, folder, add) for add in live.values())
    check_pruning(name, delta, table, expected)
    return len(expected), len(live), bounded, delta.version()


def read_with_duckdb(root):
    """Lets a process of its own compare, whose DuckDB is the one that the extension is made for."""
    packages = Path(sys.prefix) / "duckdb-delta"
    if not packages.is_dir():
        if os.environ.get("TALLYHOUSE_OUTSIDE") == "1":
            sys.exit(f"DuckDB's Delta extension is not in {packages}; `.ci/readers` installs it")
        return
    script = Path(__file__).with_name("delta_duckdb.py")
    asked = subprocess.run([sys.executable, script, root], env=os.environ | {"PYTHONPATH": str(packages)}, capture_output=True, text=True)
    if asked.returncode:
        sys.exit(asked.stdout + asked.stderr)
    print(asked.stdout.strip())


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("snapshot", type=Path)
    arguments.add_argument("--version", action="append", default=[])
    arguments = arguments.parse_args()
    root = arguments.snapshot.resolve()
    manifest = json.loads((root / "manifest.json").read_text())
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute((root / "views.sql").read_text())
    totals, versions = [0, 0, 0], {}
    for name, table in public(manifest).items():
        *counts, versions[name] = check_table(connection, root, name, table)
        totals = [total + count for total, count in zip(totals, counts)]
    for expected in arguments.version:
        name, version = expected.split("=")
        if versions[name] != int(version):
            sys.exit(f"{name} is at version {versions[name]} instead of {version}")
    read_with_duckdb(root)
    if list(root.glob("private/**/_delta_log")):
        sys.exit("a private table has a log")
    print(f"{len(versions)} Delta tables: {totals[0]} rows in {totals[1]} files with {totals[2]} bounds")


main()
