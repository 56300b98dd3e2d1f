"""Writes a project of many models: for tallyhouse, for dbt, and as bare texts in order.

In: how many models, how many in a layer, how many columns. Out: FOLDER/tallyhouse (pipeline, sources, sql), FOLDER/dbt (the
same models in dbt's words over DuckDB). The same arguments give the same files. No data is written: nothing here is run.

A model of the first layer reads one or two sources, one of a later layer one to three models of the layer before. Six
shapes take turns: a projection, a filter with CASE, a join, an aggregate joined back, a window, a union behind CTEs.
"""

import argparse
import pathlib
import random

TEXTS, NUMBERS, DATES = 10, 15, 4  # and one key: 30 columns


def columns(count):
    """The columns of every table: a key, texts, numbers, dates; (name, type of a contract)."""
    rest = count - 1
    texts, dates = rest * TEXTS // (TEXTS + NUMBERS + DATES), max(1, rest * DATES // (TEXTS + NUMBERS + DATES))
    numbers = rest - texts - dates
    return (
        [("id", "int64")]
        + [(f"text_{n}", "string") for n in range(texts)]
        + [(f"number_{n}", "float64") for n in range(numbers)]
        + [(f"day_{n}", "date") for n in range(dates)]
    )


def named(kind, table_columns):
    return [name for name, data_type in table_columns if data_type == kind]


def body(shape, inputs, table_columns, rng):
    """The SQL of one model; `inputs` are the relations that it reads, as they are to be written."""
    texts, numbers, days = (named(kind, table_columns) for kind in ("string", "float64", "date"))
    first = inputs[0]
    second = inputs[-1]
    limit = rng.randint(1, 1000)
    word = rng.choice(["retail", "fleet", "rental", "export"])

    def listed(source, change=lambda name, data_type: None):
        lines = []
        for name, data_type in table_columns:
            computed = change(name, data_type)
            lines.append(f"    {computed} AS {name}" if computed else f"    {source}.{name}")
        return ",\n".join(lines)

    if shape == 0:
        return f"""SELECT
{listed('a', lambda n, t: f"coalesce(a.{n}, '{word}')" if n == texts[0] else f"a.{n} * {limit}" if n == numbers[0] else None)}
FROM {first} AS a
"""
    if shape == 1:
        return f"""SELECT
{listed('a', lambda n, t: f"CASE WHEN a.{numbers[1]} > {limit} THEN a.{n} WHEN a.{texts[1]} = '{word}' THEN 0.0 ELSE a.{numbers[2]} END" if n == numbers[1] else None)}
FROM {first} AS a
WHERE a.{numbers[0]} BETWEEN 0 AND {limit} AND a.{texts[0]} IN ('{word}', 'other') AND a.{days[0]} >= DATE '2024-01-01'
"""
    if shape == 2:
        return f"""SELECT
{listed('a', lambda n, t: f"b.{n}" if n in numbers[3:6] else f"concat(a.{n}, '-', b.{texts[2]})" if n == texts[2] else None)}
FROM {first} AS a
LEFT JOIN {second} AS b ON b.id = a.id AND b.{days[0]} = a.{days[0]}
"""
    if shape == 3:
        return f"""WITH totals AS (
    SELECT
        {texts[0]},
        sum({numbers[0]}) AS total,
        avg({numbers[1]}) AS mean,
        count(DISTINCT {texts[1]}) AS kinds,
        max({days[0]}) AS latest
    FROM {second}
    GROUP BY {texts[0]}
    HAVING count(*) > {limit}
)
SELECT
{listed('a', lambda n, t: "totals.total" if n == numbers[0] else "totals.mean" if n == numbers[1] else "CAST(totals.kinds AS DOUBLE)" if n == numbers[2] else "totals.latest" if n == days[0] else None)}
FROM {first} AS a
JOIN totals ON totals.{texts[0]} = a.{texts[0]}
"""
    if shape == 4:
        return f"""SELECT
{listed('a', lambda n, t: f"sum(a.{n}) OVER (PARTITION BY a.{texts[0]} ORDER BY a.id)" if n == numbers[0] else f"lag(a.{n}) OVER (PARTITION BY a.{texts[0]} ORDER BY a.id)" if n == numbers[1] else None)}
FROM {first} AS a
WHERE a.id <> {limit}
"""
    names = ",\n".join(f"    {name}" for name, _ in table_columns)
    return f"""WITH large AS (
    SELECT
{names}
    FROM {first}
    WHERE {numbers[0]} >= {limit}
),
small AS (
    SELECT
{names}
    FROM {second}
    WHERE {numbers[0]} < {limit} OR {numbers[0]} IS NULL
)
SELECT
{names}
FROM large
UNION ALL
SELECT
{names}
FROM small
"""


def project(models, width, count, seed):
    """Yields (schema, table, shape, inputs) of every model; inputs are (schema, table)."""
    rng = random.Random(seed)
    before = [("source", f"extract_{n}") for n in range(20)]
    left, layer = models, 0
    while left > 0:
        here = []
        for n in range(min(width, left)):
            inputs = rng.sample(before, k=min(len(before), rng.randint(1, 3 if layer else 2)))
            yield f"layer_{layer}", f"model_{n}", rng.randrange(6), inputs, rng.randrange(1 << 30)
            here.append((f"layer_{layer}", f"model_{n}"))
        left -= len(here)
        before, layer = here, layer + 1


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def write_tallyhouse(folder, models, table_columns):
    write(
        folder / "pipelines/nightly.yaml",
        "name: many\nwarehouse: ../warehouse\ntimezone: Asia/Shanghai\nrun_date: 2026-06-30\nsources: sources/*.yaml\nmodels: ../sql\n",
    )
    types = {"int64": "bigint", "string": "string", "float64": "double", "date": "date"}
    for n in range(20):
        lines = "".join(f"  {name}: {{ type: {types[kind]} }}\n" for name, kind in table_columns)
        write(
            folder / f"pipelines/sources/extract_{n}.yaml",
            f"name: extract_{n}\nlocation: ../../extracts/extract_{n}/*.csv\nkey: [id]\ncolumns:\n{lines}",
        )
    for schema, table, shape, inputs, seed in models:
        relations = [f"{'staged' if s == 'source' else s}.{t}" for s, t in inputs]
        text = body(shape, relations, table_columns, random.Random(seed))
        write(folder / f"sql/{schema}/{table}.sql", f"/* ---\ndescription: Number {seed}.\n--- */\n{text}")


def write_dbt(folder, models, table_columns):
    write(
        folder / "dbt_project.yml",
        "name: many\nversion: '1.0'\nprofile: many\nmodel-paths: [models]\nmodels:\n  many:\n    +materialized: table\n",
    )
    write(
        folder / "profiles.yml",
        "many:\n  target: dev\n  outputs:\n    dev: { type: duckdb, path: ':memory:', threads: 2 }\n",
    )
    tables = "".join(f"      - name: extract_{n}\n" for n in range(20))
    write(folder / "models/sources.yml", f"version: 2\nsources:\n  - name: extracts\n    tables:\n{tables}")
    described = {}
    for schema, table, shape, inputs, seed in models:
        refs = [
            f"{{{{ source('extracts', '{t}') }}}}" if s == "source" else f"{{{{ ref('{s}_{t}') }}}}" for s, t in inputs
        ]
        write(folder / f"models/{schema}/{schema}_{table}.sql", body(shape, refs, table_columns, random.Random(seed)))
        described.setdefault(schema, []).append(f"  - name: {schema}_{table}\n    description: Number {seed}.\n")
    for schema, lines in described.items():
        write(folder / f"models/{schema}/{schema}.yml", "version: 2\nmodels:\n" + "".join(lines))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder to write into")
    parser.add_argument("--models", type=int, default=10_000)
    parser.add_argument("--width", type=int, default=1_000, help="models in a layer")
    parser.add_argument("--columns", type=int, default=30, help="at least 30: the shapes name their columns")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if arguments.columns < 30:
        parser.error("--columns must be at least 30")
    table_columns = columns(arguments.columns)
    models = list(project(arguments.models, arguments.width, arguments.columns, arguments.seed))
    write_tallyhouse(arguments.out / "tallyhouse", models, table_columns)
    write_dbt(arguments.out / "dbt", models, table_columns)


if __name__ == "__main__":
    main()
