"""Measures tallyhouse beside DuckDB and Polars, in one run, on the same files.

    run measure --data FOLDER --binary FILE [--only PATTERN,…] [--repeat N] [--threads N] [--work FOLDER]
                [--workbook-reader FILE] [--out FILE]

In: the folder that `generate` filled and a release build of tallyhouse. Out: a Markdown table and, with `--out`, JSON:
wall and CPU seconds (the least of the repetitions), the most memory held, ratios, and whether the rows agree with the
truth and with each other. Every measurement is a process of its own, on as many cores as it may have threads; the cache
of files is warm, and what the last one wrote is on the disk before the next one starts. Leaves with 1 if rows differ.

This process imports no library, since the memory of a child counts from that of its parent.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys

import cases
from process import tried
from report import markdown

HERE = pathlib.Path(__file__).parent


def main() -> None:
    arguments = parse_arguments()
    bench = cases.Bench(
        data=arguments.data.resolve(),
        work=arguments.work.resolve(),
        binary=arguments.binary.resolve(),
        threads=arguments.threads,
        truth=json.loads((arguments.data / "truth.json").read_text()),
        workbook_reader=arguments.workbook_reader,
    )
    chosen = cases.chosen(bench, arguments.only.split(","))
    results: dict[str, dict] = {}
    for turn in range(arguments.repeat):
        for case in chosen:
            merge(results, case, run_case(bench, case, verify=turn == 0), bench)
    document = {"machine": machine(arguments), "results": list(results.values())}
    print(markdown(document))
    if arguments.out:
        arguments.out.write_text(json.dumps(document, indent=1, ensure_ascii=False))
    sys.exit(any(result["disagrees"] for result in results.values()))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, default=None, help="where outputs go; default: beside the data")
    parser.add_argument("--only", default="", help="parts of the names of the cases to run, or `=name`; default: all that have data")
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--workbook-reader", type=pathlib.Path, default=None, help="the built example `calamine_range`")
    parser.add_argument("--out", type=pathlib.Path, default=None)
    arguments = parser.parse_args()
    arguments.work = arguments.work or arguments.data / "work"
    return arguments


def run_case(bench: cases.Bench, case: cases.Case, verify: bool) -> dict:
    """Runs one case and returns what it took; with `verify` also what it wrote."""
    print(f"… {case.name}", file=sys.stderr, flush=True)
    case.prepare()
    warm(case.reads)
    os.sync()
    ended = tried(case.command, threads=bench.threads)
    took = {"ok": ended.code == 0, "wall": ended.wall, "cpu": ended.cpu, "mb": ended.mb, "said": ended.last_words()}
    if verify and took["ok"] and case.tables:
        took["wrote"] = wrote(case)
    case.clean()
    return took


def warm(folder: pathlib.Path) -> None:
    """Reads all files once, so that every system finds them in the cache."""
    for file in sorted(folder.iterdir()):
        with open(file, "rb", buffering=0) as opened:
            while opened.read(1 << 22):
                pass


def wrote(case: cases.Case) -> dict:
    """Asks another process what lies in the tables."""
    command = [sys.executable, str(HERE / "verify.py"), *case.tables()]
    asked = subprocess.run(command, capture_output=True, text=True)
    return json.loads(asked.stdout) if asked.returncode == 0 else {"error": asked.stderr[-2000:]}


def merge(results: dict, case: cases.Case, took: dict, bench: cases.Bench) -> None:
    """Adds a repetition to the results."""
    result = results.setdefault(
        case.name,
        {"name": case.name, "system": case.system, "against": case.against, "rounds": [], "disagrees": [], "target": case.target},
    )
    result["rounds"].append({key: took[key] for key in ("ok", "wall", "cpu", "mb")})
    if not took["ok"]:
        result["disagrees"].append(f"failed: {took['said'].strip()}")
    if "wrote" in took:
        result["wrote"] = took["wrote"]
        result["disagrees"] += cases.disagreements(case, took["wrote"], bench, results)


def machine(arguments: argparse.Namespace) -> dict:
    """Describes what was measured on."""
    packages = subprocess.run(
        [sys.executable, "-c", "import duckdb, polars; print(duckdb.__version__, polars.__version__)"],
        capture_output=True,
        text=True,
    ).stdout.split()
    version = subprocess.run([arguments.binary, "--version"], capture_output=True, text=True).stdout.strip()
    return {
        "tallyhouse": version,
        "duckdb": packages[0],
        "polars": packages[1],
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "threads": arguments.threads,
        "repetitions": arguments.repeat,
        "load_before": os.getloadavg()[0],
    }


if __name__ == "__main__":
    main()
