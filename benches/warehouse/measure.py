"""Measures writing, publishing and rebuilding beside DuckDB and Polars, in one run.

    run --release FOLDER --work FOLDER [--market FOLDER] [--only NAME,…] [--rows N] [--threads N] [--out FILE]

In: the folder of a release build with its examples, and for `nights` the folder that `generate_extracts --out` filled.
Out: a Markdown table for each part and, with `--out`, JSON. A bar that is missed is said to be missed; only what fails or
gives other rows ends the bench. This process imports no library, since a child's memory counts from that of its parent.
"""

import argparse
import json
import os
import pathlib
import sys

import flip
import manifest
import memory
import nights
import writer

PARTS = {"writer": writer, "flip": flip, "manifest": manifest, "nights": nights, "memory": memory}


def main() -> None:
    arguments = parse_arguments()
    document = {"cores": os.cpu_count(), "threads": arguments.threads, "load_before": os.getloadavg()[0], "parts": {}}
    for name in arguments.only.split(","):
        print(f"… {name}", file=sys.stderr, flush=True)
        lines = PARTS[name].measure(arguments)
        document["parts"][name] = lines
        print(f"\n## {name}\n\n{markdown(lines)}", flush=True)
    if arguments.out:
        arguments.out.write_text(json.dumps(document, indent=1, ensure_ascii=False))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--release", type=pathlib.Path, required=True, help="such as target/release")
    parser.add_argument("--work", type=pathlib.Path, required=True, help="where everything is written; several GB")
    parser.add_argument("--market", type=pathlib.Path, help="what generate_extracts wrote, for `nights`")
    parser.add_argument("--only", default=",".join(PARTS), help="parts to measure")
    parser.add_argument("--rows", type=int, default=8_000_000, help="rows of `writer`")
    parser.add_argument("--files", type=int, default=20_000, help="unchanged files of `flip`")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=pathlib.Path, default=None)
    arguments = parser.parse_args()
    for name in ("release", "work", "market"):
        path = getattr(arguments, name)
        setattr(arguments, name, path and path.resolve())
    arguments.work.mkdir(parents=True, exist_ok=True)
    return arguments


def markdown(lines: list[dict]) -> str:
    """Returns measurements as a table, with what was rebuilt below it."""
    table = ["| what | wall s | CPU s | memory MB | | bar |", "|---|--:|--:|--:|---|---|"]
    for line in lines:
        numbers = " | ".join(f"{line[name]:{form}}" for name, form in (("wall", ".2f"), ("cpu", ".2f"), ("mb", ".0f")))
        table.append(f"| {line['what']} | {numbers} | {line.get('note', '')} | {line.get('bar', '')} |")
    told = [f"\n{line['what']}:\n\n{line['told']}" for line in lines if line.get("told")]
    return "\n".join(table + told)


if __name__ == "__main__":
    main()
