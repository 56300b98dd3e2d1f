"""Measures `tallyhouse check` beside DataFusion alone and `dbt parse`, in one run, on the same models.

    run measure --data FOLDER --binary FILE --bare FILE [--repeat N] [--only WORD,…] [--out FILE]

In: the folder that `generate` filled, a release build of tallyhouse, and the built example `plan_models`. Out: a Markdown table
and, with `--out`, JSON: wall and CPU seconds (the least of the repetitions) and the most memory held. Every measurement is a
process of its own on two cores; the files have been read before. `one changed` adds a column to a model in
the middle and puts it back.

This process imports no library, since the memory of a child counts from that of its parent.
"""

import argparse
import itertools
import json
import pathlib
import shutil
import sys
import time

from process import tried


def main():
    arguments = parse_arguments()
    data = arguments.data.resolve()
    results = {}
    for _ in range(arguments.repeat):
        for name, prepare, command, clean in cases(arguments, data):
            if arguments.only and not any(word in name for word in arguments.only.split(",")):
                continue
            print(f"… {name}", file=sys.stderr, flush=True)
            prepare()
            took = tried(command, environment(data))
            clean()
            if took.code != 0:
                sys.exit(f"{name} left with {took.code}:\n{took.last_words()}")
            results.setdefault(name, []).append(took)
    best = {name: {key: min(getattr(took, key) for took in rounds) for key in ("wall", "cpu", "mb")} for name, rounds in results.items()}
    print(markdown(best))
    if arguments.out:
        arguments.out.write_text(json.dumps(best, indent=1))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--binary", type=pathlib.Path, required=True)
    parser.add_argument("--bare", type=pathlib.Path, required=True, help="the built example `plan_models`")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--only", default="", help="parts of the names of the cases to run")
    parser.add_argument("--out", type=pathlib.Path)
    return parser.parse_args()


def cases(arguments, data):
    """Yields (name, what comes before, the command, what comes after)."""
    binary, bare = str(arguments.binary.resolve()), str(arguments.bare.resolve())
    project, dbt = data / "tallyhouse", data / "dbt"
    check = [binary, "check", "--pipeline", str(project / "pipelines/nightly.yaml"), "--threads", "2"]
    cache = data / "cache"
    changed = project / "sql/layer_4/model_10.sql"
    before = changed.read_text() if changed.exists() else ""
    changes = itertools.count(time.time_ns())

    def nothing():
        pass

    def empty():
        shutil.rmtree(cache, ignore_errors=True)

    def change():
        # Another change each time: a whole answer to the same one would be told again.
        changed.write_text(before.replace("SELECT\n", f"SELECT\n    {next(changes)} AS another,\n", 1))

    def restore():
        changed.write_text(before)

    yield "DataFusion alone", nothing, [bare, str(project), "2"], nothing
    yield "check, nothing remembered", empty, check, nothing
    yield "check, nothing changed", nothing, check, nothing
    if before:
        yield "check, one changed", change, check, restore
    parse = [str(pathlib.Path(sys.executable).parent / "dbt"), "--quiet", "parse", "--no-partial-parse"]
    parse += ["--project-dir", str(dbt), "--profiles-dir", str(dbt), "--target-path", str(data / "dbt-target")]
    yield "dbt parse", nothing, parse, nothing


def environment(data):
    return {"XDG_CACHE_HOME": str(data / "cache"), "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}


def markdown(best):
    lines = ["| what | wall s | CPU s | MB | CPU beside DataFusion alone |", "|---|---|---|---|---|"]
    bare = best.get("DataFusion alone", {}).get("cpu")
    for name, took in best.items():
        ratio = f"{took['cpu'] / bare:.2f}" if bare else ""
        lines.append(f"| {name} | {took['wall']:.2f} | {took['cpu']:.2f} | {took['mb']:.0f} | {ratio} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
