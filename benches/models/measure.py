"""Measures each model beside the same table computed by DuckDB, in one run, over the same Parquet.

    run --binary FILE --warehouse FOLDER --work FOLDER [--pipeline FILE] [--only TABLE,…] [--threads N] [--memory GB]
        [--repeat N] [--out FILE]

In: a release build and a published warehouse whose extracts still lie where its pipeline looks for them. Out: a Markdown table
and, with `--out`, JSON. Each model is computed by a process of its own, by `tallyhouse run --select MODEL --full` over a
copy of the warehouse that shares its files and by DuckDB from the SQL under `duckdb/`; they take turns. This process imports no
library, since a child's memory counts from that of its parent.
"""

import argparse
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))

from process import measured  # noqa: E402

# At most so many times DuckDB's time: all together, the geometric mean of the models, the slowest one; and memory in MB.
TOTAL_BAR, MEAN_BAR, WORST_BAR, MEMORY_BAR_MB = 0.8, 1.0, 2.0, 4.3 * 1024


def main() -> None:
    arguments = parse_arguments()
    bench = Bench(arguments)
    lines, failed = [], {}
    document = {"cores": os.cpu_count(), "threads": arguments.threads, "repeat": arguments.repeat, "models": lines, "failed": failed}
    for table in bench.tables():
        try:
            lines.append(bench.line(table))
        except SystemExit as failure:
            failed[table] = str(failure).splitlines()[-1]
            print(f"… {table}: {failed[table]}", file=sys.stderr, flush=True)
        document |= {"load_before": bench.load_before, "load_after": os.getloadavg()[0]}
        # What an hour has measured is not lost with what comes after it.
        if arguments.out:
            arguments.out.write_text(json.dumps(document, indent=1, ensure_ascii=False))
    if lines:
        print(markdown(document))
    if failed:
        raise SystemExit(f"not measured, since one side failed: {', '.join(failed)}")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--warehouse", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, required=True, help="on the disk of the warehouse")
    parser.add_argument("--pipeline", type=pathlib.Path, default=HERE.parents[1] / "pipelines/nightly.yaml")
    parser.add_argument("--only", default="", help="tables; default: all that have a second implementation")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", type=int, default=4, help="GB for sorts, joins and aggregates")
    parser.add_argument("--repeat", type=int, default=1, help="the least time and the most memory count")
    parser.add_argument("--out", type=pathlib.Path, default=None)
    arguments = parser.parse_args()
    for path in ("binary", "warehouse", "work", "pipeline"):
        setattr(arguments, path, getattr(arguments, path).resolve())
    return arguments


class Bench:
    """A copy of the warehouse on which single models are computed again."""

    def __init__(self, arguments: argparse.Namespace):
        self.arguments = arguments
        self.copy = arguments.work / "warehouse"
        shutil.rmtree(self.copy, ignore_errors=True)
        arguments.work.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-al", str(arguments.warehouse), str(self.copy)], check=True)
        # the lock of a link is the lock of what it links to
        (self.copy / "lock").unlink(missing_ok=True)
        self.manifest = json.loads((self.copy / "current/manifest.json").read_text())
        self.load_before = os.getloadavg()[0]

    def tables(self) -> list[str]:
        """Returns the tables to compute, in the manifest's order."""
        known = [table for table in self.manifest["tables"] if (HERE / "duckdb" / f"{table.replace('.', '/')}.sql").is_file()]
        asked = [table for table in self.arguments.only.split(",") if table]
        if unknown := set(asked) - set(known):
            raise SystemExit(f"no second implementation of {', '.join(sorted(unknown))}")
        return asked or known

    def tallyhouse(self, table: str) -> tuple[dict, dict]:
        """Computes a model with tallyhouse, which publishes nothing, since nothing changes; returns what its run says of it too."""
        told = {}

        def hear(line: str, cpu: float) -> None:
            if line.startswith("{"):
                told.setdefault(json.loads(line)["event"], cpu)

        limits = ["--threads", str(self.arguments.threads), "--memory-limit", f"{self.arguments.memory}G"]
        words = ["run", "--select", table, "--full", "--output", "json", "--pipeline", str(self.arguments.pipeline)]
        words += ["--run-date", self.manifest["run_date"], *limits]
        took = measured([self.arguments.binary, *words], {"TALLYHOUSE_WAREHOUSE": str(self.copy)}, self.arguments.threads, hear)
        model = next(model for model in json.loads(took.out)["models"] if model["table"] == table)
        return {"wall": model["seconds"], "cpu": told["built"] - told["building"], "mb": took.mb}, model

    def duckdb(self, table: str) -> dict:
        """Computes the table with DuckDB."""
        folder = self.arguments.work / "duckdb"
        shutil.rmtree(folder, ignore_errors=True)
        limits = ["--threads", str(self.arguments.threads), "--memory", f"{self.arguments.memory}GB"]
        took = measured([sys.executable, HERE / "duckdb_side.py", self.copy, table, folder, *limits], None, self.arguments.threads)
        shutil.rmtree(folder, ignore_errors=True)
        return json.loads(took.out)

    def line(self, table: str) -> dict:
        """Returns what both took for a table."""
        ours, theirs, model = [], [], {}
        for _ in range(self.arguments.repeat):
            took, model = self.tallyhouse(table)
            ours.append(took)
            theirs.append(self.duckdb(table))
        line = {"table": table, "rows": model["rows"], "partitions": len(model["rebuilt"]), "ours": best(ours), "theirs": best(theirs)}
        print(f"… {table}: {line['ours']['cpu']:.2f} and {line['theirs']['cpu']:.2f} CPU s", file=sys.stderr, flush=True)
        return line


def best(turns: list[dict]) -> dict:
    """Returns the least times and the most memory."""
    return {"wall": min(turn["wall"] for turn in turns), "cpu": min(turn["cpu"] for turn in turns), "mb": max(turn["mb"] for turn in turns)}


def markdown(document: dict) -> str:
    """Returns the table, slowest first, and below it the bars."""
    lines = sorted(document["models"], key=lambda line: -line["ours"]["cpu"])
    table = ["| model | rows | partitions | tallyhouse: wall, CPU, MB | DuckDB: wall, CPU, MB | CPU ratio |", "|---|--:|--:|--:|--:|--:|"]
    for line in lines:
        sides = " | ".join(f"{side['wall']:.2f} s, {side['cpu']:.2f} s, {side['mb']:.0f}" for side in (line["ours"], line["theirs"]))
        table.append(f"| `{line['table']}` | {line['rows']:,} | {line['partitions']:,} | {sides} | {ratio(line):.2f} |")
    return "\n".join([*table, "", *bars(lines, document)])


def ratio(line: dict) -> float:
    """Returns tallyhouse's CPU over DuckDB's."""
    return line["ours"]["cpu"] / line["theirs"]["cpu"]


def bars(lines: list[dict], document: dict) -> list[str]:
    total = sum(line["ours"]["cpu"] for line in lines) / sum(line["theirs"]["cpu"] for line in lines)
    mean = math.exp(sum(math.log(ratio(line)) for line in lines) / len(lines))
    worst = max(lines, key=ratio)
    memory = max(line["ours"]["mb"] for line in lines)
    found = (
        ("total", total, TOTAL_BAR, "of DuckDB's CPU"),
        ("geometric mean", mean, MEAN_BAR, "of DuckDB's CPU"),
        (f"worst, `{worst['table']}`", ratio(worst), WORST_BAR, "times DuckDB's CPU"),
        ("memory", memory, MEMORY_BAR_MB, "MB"),
    )
    told = [f"- {what}: {value:.2f} {unit}, bar {bar:.2f}: {'met' if value <= bar else '**missed**'}" for what, value, bar, unit in found]
    slow = sorted((line for line in lines if ratio(line) > WORST_BAR), key=ratio, reverse=True)
    named = ", ".join(f"`{line['table']}` {ratio(line):.1f}" for line in slow)
    told += [f"- not measured, since one side failed: `{table}`: {why}" for table, why in document["failed"].items()]
    told.append(f"- slower than {WORST_BAR:.0f} times: {len(slow)} of {len(lines)}: {named}")
    return [*told, f"- load of the machine: {document['load_before']:.1f} before, {document['load_after']:.1f} after"]


if __name__ == "__main__":
    main()
