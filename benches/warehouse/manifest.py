"""A manifest of 100,000 files, written to the disk and read again by the example `time_manifest`."""

import json

from process import measured

FILES = 100_000
BAR_SECONDS = 1


def measure(arguments) -> list[dict]:
    """Returns one line; the note tells writing and reading apart."""
    took = measured([arguments.release / "examples/time_manifest", FILES, arguments.work], threads=arguments.threads)
    found = json.loads(took.out)
    if not found["equal"]:
        raise SystemExit("the manifest that was read is another one")
    both = found["written"] + found["read"]
    note = f"written {found['written']:.2f} s, read {found['read']:.2f} s, {found['bytes'] / 1e6:.0f} MB"
    bar = f"under {BAR_SECONDS} s: {'met' if both < BAR_SECONDS else '**missed**'}"
    return [vars(took) | {"what": f"manifest of {FILES:,} files", "note": note, "bar": bar}]
