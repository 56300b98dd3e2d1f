"""A sort, an aggregation and a join over data of five times the memory limit, each a model of its own.

A table of texts of 100 characters that zstd hardly shrinks, all different, is numbered in their order, grouped by them, and
joined with another of the same size. All three must finish, within the limit and what the process needs besides.
"""

import hashlib
import json

from process import measured
from project import Project

LIMIT_MB = 64
TIMES = 5
# What the runtime and the code need besides the memory that is shared out.
BESIDES_MB = 256
TEXT = 96
MODELS = {
    "sort": "SELECT id, row_number() OVER (ORDER BY text) AS place, text FROM staged.one",
    "aggregation": "SELECT text, count(*) AS lines, min(id) AS first FROM staged.one GROUP BY text",
    "join": "SELECT one.id, one.text, other.text AS other FROM staged.one JOIN staged.other ON one.id = other.id",
}


def measure(arguments) -> list[dict]:
    """Returns a line for each operator."""
    rows = (LIMIT_MB << 20) * TIMES // (TEXT + 8)
    project = Project(arguments.work / "memory")
    for name in ("one", "other"):
        contract = "key: [id]\ncolumns:\n  id: { type: int }\n  text: { type: string }\n"
        project.source(name, contract)
        lines = (f"{row},{text(name, row)}\n" for row in range(rows))
        project.file(f"extracts/{name}/all.csv", "id,text\n" + "".join(lines))
    run = project.command(arguments.release / "tallyhouse", "run", "--threads", str(arguments.threads))
    run += ["--memory-limit", f"{LIMIT_MB}M", "--output", "json"]
    staged = measured(run, threads=arguments.threads)
    lines = [line("staging of both tables", staged, rows)]
    for name, sql in MODELS.items():
        project.file(f"sql/core/{name}.sql", sql)
        took = measured(run, threads=arguments.threads)
        made = next(model for model in json.loads(took.out)["models"] if model["table"] == f"core.{name}")
        if made["rows"] != rows:
            raise SystemExit(f"{name}: {made['rows']} rows of {rows}")
        lines.append(line(name, took, rows))
        (project.folder / f"sql/core/{name}.sql").unlink()
    return lines


def text(table: str, row: int) -> str:
    return hashlib.sha384(f"{table} {row}".encode()).hexdigest()[:TEXT]


def line(name: str, took, rows: int) -> dict:
    most = LIMIT_MB + BESIDES_MB
    bar = f"finishes: met; {most} MB: {'met' if took.mb <= most else '**missed**'}"
    return vars(took) | {"what": name, "note": f"{rows:,} rows at `--memory-limit {LIMIT_MB}M`", "bar": bar}
