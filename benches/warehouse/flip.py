"""A night in which one small table changes beside many unchanged files.

One source has a partition, and so a file, for each of its rows; the other one row. The time is that of the whole run, of
which the flip is a part.
"""

from process import measured
from project import Project

BAR_SECONDS = 3


def measure(arguments) -> list[dict]:
    """Returns a line for the first run and one for the night after it."""
    project = Project(arguments.work / "flip")
    many = "key: [id]\npartition_by: [id]\ncolumns:\n  id: { type: int }\n  note: { type: string }\n"
    project.source("many", many)
    project.source("one", many.replace("partition_by: [id]\n", ""))
    rows = "".join(f"{row},note {row}\n" for row in range(arguments.files))
    project.file("extracts/many/all.csv", f"id,note\n{rows}")
    project.file("extracts/one/all.csv", "id,note\n1,first\n")
    run = project.command(arguments.release / "tallyhouse", "run", "--threads", str(arguments.threads))
    first = measured(run, threads=arguments.threads)
    project.file("extracts/one/all.csv", "id,note\n1,another one\n")
    night = measured(run, threads=arguments.threads)
    bar = f"under {BAR_SECONDS} s: {'met' if night.wall < BAR_SECONDS else '**missed**'}"
    return [
        vars(first) | {"what": f"first run, {arguments.files:,} files"},
        vars(night) | {"what": f"whole run with {arguments.files:,} unchanged files", "bar": bar},
    ]
