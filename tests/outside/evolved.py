"""Reads a table whose columns changed with three readers, which must agree with the rows that tallyhouse gives.

    evolved.py CURRENT SCHEMA.TABLE ROWS

ROWS holds a row a line, its values joined by `|`, in the order of the first column. Every reader is given the columns of the
manifest, as docs/warehouse.md says.
"""

import datetime
import decimal
import json
import pathlib
import re
import sys

import duckdb
import polars
import pyarrow
import pyarrow.dataset

ARROW = {
    "Boolean": pyarrow.bool_(),
    "Date32": pyarrow.date32(),
    "Float64": pyarrow.float64(),
    "Int32": pyarrow.int32(),
    "Int64": pyarrow.int64(),
    "Timestamp(µs, \"UTC\")": pyarrow.timestamp("us", "UTC"),
    "Utf8": pyarrow.string(),
}


def arrow_type(text):
    digits = re.fullmatch(r"Decimal128\((\d+), (\d+)\)", text)
    return pyarrow.decimal128(int(digits[1]), int(digits[2])) if digits else ARROW[text]


def arrow_schema(table):
    return pyarrow.schema([(column["name"], arrow_type(column["type"])) for column in table["columns"]])


def with_duckdb(current, name, columns):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute((current / "views.sql").read_text())
    table = connection.execute(f"SELECT {columns} FROM {name}").to_arrow_table()
    return [tuple(row.values()) for row in table.to_pylist()]


def with_pyarrow(data, schema, partition_by, columns):
    partitioning = pyarrow.dataset.partitioning(pyarrow.schema([schema.field(name) for name in partition_by]), flavor="hive")
    dataset = pyarrow.dataset.dataset(data, schema=schema, partitioning=partitioning, format="parquet")
    return [tuple(row.values()) for row in dataset.to_table(columns=columns).to_pylist()]


def with_polars(data, schema, partition_by, columns):
    """Reads each file as it is, casts its columns, and puts the tables one below the other."""
    target = polars.from_arrow(schema.empty_table()).schema
    parts = []
    for path in sorted(data.rglob("*.parquet")):
        part = polars.scan_parquet(path, hive_partitioning=True, hive_schema={name: target[name] for name in partition_by})
        held = part.collect_schema().names()
        parts.append(part.select([
            (polars.col(name) if name in held else polars.lit(None)).cast(of).alias(name) for name, of in target.items()
        ]))
    return polars.concat(parts).select(columns).collect().rows()


def text(value):
    match value:
        case None:
            return "NULL"
        case datetime.datetime():
            return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        case decimal.Decimal() | datetime.date() | int() | str():
            return str(value)
    raise TypeError(type(value))


def main():
    current, name, expected = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2], sys.argv[3].split("\n")
    table = json.loads((current / "manifest.json").read_text())["tables"][name]
    schema, partition_by = arrow_schema(table), table["partition_by"]
    data = current.joinpath(*name.split(".")) / "data"
    columns = ["id", "month", "units", "amount", "seen", "note"]
    found = {
        "DuckDB": with_duckdb(current, name, ", ".join(columns)),
        "pyarrow": with_pyarrow(data, schema, partition_by, columns),
        "Polars": with_polars(data, schema, partition_by, columns),
    }
    for reader, rows in found.items():
        rows = sorted("|".join(text(value) for value in row) for row in rows)
        assert rows == expected, f"{reader}:\n" + "\n".join(rows) + "\nexpected:\n" + "\n".join(expected)


main()
