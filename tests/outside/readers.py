#!/usr/bin/env python3
"""Reads a published warehouse with DuckDB, Polars and pyarrow and compares all of them with its manifest.

    python readers.py warehouse [--totals fixtures/truth/totals.csv]

Every public table is read through `views.sql` and by a Hive glob with DuckDB, with Polars and with pyarrow. Each must see
the manifest's rows, columns and partition values, and the same sum in every numeric column. With `--totals`, the staged
order lines must add up to the cent by dealer and month through all of them. Prints one line for each reader; on a
difference it prints it and leaves with exit code 1.
"""

import argparse
import csv
import json
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pyarrow.compute as pc
import pyarrow.dataset as ds

NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
TOTALS = ("order_month", "dealer_code", "currency", "quantity", "amount")


# ---- what the manifest says


class Snapshot:
    """A served snapshot, resolved once."""

    def __init__(self, warehouse):
        self.root = (warehouse / "current").resolve()
        self.manifest = json.loads((self.root / "manifest.json").read_text())

    def public(self):
        tables = self.manifest["tables"].items()
        return {name: table for name, table in tables if name.split(".")[0] not in ("staged", "quarantine") and name != "ops.check_failure" and not name.endswith("_identity")}

    def data(self, name):
        schema, table = name.split(".")
        private = "private" if schema in ("staged", "quarantine") or name == "ops.check_failure" or name.endswith("_identity") else ""
        return self.root / private / schema / table / "data"


def rows(table):
    return sum(partition["rows"] for partition in table["partitions"])


def columns(table):
    return [column["name"] for column in table["columns"]]


def numbers(table):
    """Columns that can be summed exactly, partition columns left out: readers guess their types."""
    exact = ("Int", "UInt", "Decimal")
    return [c["name"] for c in table["columns"] if c["type"].startswith(exact) and c["name"] not in table["partition_by"]]


def partitions(table):
    """Rows by partition values, in the order of `partition_by`."""
    answer = {}
    for partition in table["partitions"]:
        answer[tuple(partition["values"])] = answer.get(tuple(partition["values"]), 0) + partition["rows"]
    return answer


# ---- the readers: each gives rows, sums by column, rows by partition values as text


class DuckDBViews:
    name = "DuckDB, views.sql"

    def __init__(self, snapshot):
        self.snapshot = snapshot
        self.connection = duckdb.connect()
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.execute((snapshot.root / "views.sql").read_text())

    def source(self, name):
        schema, table = name.split(".")
        return f'"{schema}"."{table}"'

    def count(self, name):
        return self.connection.execute(f"SELECT count(*) FROM {self.source(name)}").fetchone()[0]

    def columns(self, name):
        return [row[0] for row in self.connection.execute(f"DESCRIBE SELECT * FROM {self.source(name)}").fetchall()]

    def sums(self, name, names):
        if not names:
            return {}
        sums = ", ".join(f'sum("{column}")' for column in names)
        found = self.connection.execute(f"SELECT {sums} FROM {self.source(name)}").fetchone()
        return {column: exact(value) for column, value in zip(names, found)}

    def partitions(self, name, by):
        if not by:
            return {(): self.count(name)}
        keys = ", ".join(f'CAST("{column}" AS VARCHAR)' for column in by)
        found = self.connection.execute(f"SELECT {keys}, count(*) FROM {self.source(name)} GROUP BY ALL").fetchall()
        return {tuple(row[:-1]): row[-1] for row in found}

    def table(self, name, names):
        quoted = ", ".join(f'"{column}"' for column in names)
        return self.connection.execute(f"SELECT {quoted} FROM {self.source(name)}").fetchall()


class DuckDBGlob(DuckDBViews):
    name = "DuckDB, Hive glob"

    def __init__(self, snapshot):
        super().__init__(snapshot)
        self.connection = duckdb.connect()

    def source(self, name):
        files = f"{self.snapshot.data(name)}/**/*.parquet".replace("'", "''")
        return f"read_parquet('{files}', hive_partitioning = true, hive_types_autocast = false)"


class Polars:
    name = "Polars"

    def __init__(self, snapshot):
        self.snapshot = snapshot

    def frame(self, name):
        by = self.snapshot.manifest["tables"][name]["partition_by"]
        schema = {column: pl.String for column in by}
        files = f"{self.snapshot.data(name)}/**/*.parquet"
        return pl.read_parquet(files, hive_partitioning=bool(by), hive_schema=schema or None)

    def count(self, name):
        return self.frame(name).height

    def columns(self, name):
        return self.frame(name).columns

    def sums(self, name, names):
        frame = self.frame(name)
        return {column: exact(frame[column].sum() if frame[column].count() else None) for column in names}

    def partitions(self, name, by):
        if not by:
            return {(): self.count(name)}
        return {row[:-1]: row[-1] for row in self.frame(name).group_by(by).len().rows()}

    def table(self, name, names):
        return self.frame(name).select(names).rows()


class PyArrow:
    name = "pyarrow"

    def __init__(self, snapshot):
        self.snapshot = snapshot

    def dataset(self, name):
        by = self.snapshot.manifest["tables"][name]["partition_by"]
        import pyarrow as pa

        schema = pa.schema([(column, pa.string()) for column in by])
        return ds.dataset(self.snapshot.data(name), partitioning=ds.partitioning(schema, flavor="hive"))

    def count(self, name):
        return self.dataset(name).count_rows()

    def columns(self, name):
        return self.dataset(name).schema.names

    def sums(self, name, names):
        table = self.dataset(name).to_table(columns=names)
        return {column: exact(pc.sum(table[column]).as_py()) for column in names}

    def partitions(self, name, by):
        if not by:
            return {(): self.count(name)}
        grouped = self.dataset(name).to_table(columns=by).group_by(by).aggregate([([], "count_all")])
        return {tuple(row[column] for column in by): row["count_all"] for row in grouped.to_pylist()}

    def table(self, name, names):
        return [tuple(row.values()) for row in self.dataset(name).to_table(columns=list(names)).to_pylist()]


def exact(value):
    return None if value is None else Decimal(value)


# ---- the comparison


def differences(reader, name, table, sums):
    """Yields what a reader sees otherwise than the manifest, or than the first reader (`sums`)."""
    if not any(partition["files"] for partition in table["partitions"]):
        return
    if reader.count(name) != rows(table):
        yield f"{name}: {reader.count(name)} rows, the manifest says {rows(table)}"
    if sorted(reader.columns(name)) != sorted(columns(table)):
        yield f"{name}: columns {reader.columns(name)}, the manifest says {columns(table)}"
    found = {key: count for key, count in reader.partitions(name, table["partition_by"]).items() if count}
    expected = {key: count for key, count in partitions(table).items() if count}
    if found != expected:
        yield f"{name}: partitions {sorted(map(str, found.items() ^ expected.items()))}"
    found = reader.sums(name, numbers(table))
    if sums.setdefault(name, found) != found:
        yield f"{name}: sums {found}, another reader found {sums[name]}"


def total_differences(reader, path):
    """Yields what does not agree with the generator's totals of order lines."""
    found = {}
    for month, dealer, currency, quantity, amount in reader.table("staged.dealer_sales", TOTALS):
        lines, units, money = found.get((dealer, str(month), currency), (0, 0, Decimal(0)))
        found[dealer, str(month), currency] = (lines + 1, units + quantity, money + amount)
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            key = (row["dealer_code"], row["month"], row["currency"])
            expected = (int(row["lines"]), int(row["quantity"]), Decimal(row["amount"]))
            if found.pop(key, (0, 0, Decimal(0))) != expected:
                yield f"staged.dealer_sales {key}: expected {expected}"
    yield from (f"staged.dealer_sales {key}: {value}, which no total names" for key, value in found.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("warehouse", type=Path)
    parser.add_argument("--totals", type=Path, help="fixtures/truth/totals.csv")
    options = parser.parse_args()
    snapshot, sums, failed = Snapshot(options.warehouse), {}, False
    for reader in [kind(snapshot) for kind in (DuckDBViews, DuckDBGlob, Polars, PyArrow)]:
        tables = snapshot.public()
        faults = [fault for name, table in tables.items() for fault in differences(reader, name, table, sums)]
        if options.totals and reader.name != DuckDBViews.name:  # the views are of public tables only
            faults += total_differences(reader, options.totals)
        total = sum(rows(table) for table in tables.values())
        print(f"{reader.name}: {len(tables)} tables, {total} rows, {len(faults)} differences")
        for fault in faults[:20]:
            print(f"  {fault}")
        failed = failed or bool(faults)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
