"""Runs a command and says what it took. In: the command. Out: wall and CPU seconds and peak memory, from the kernel."""

import dataclasses
import os
import subprocess
import tempfile
import time


@dataclasses.dataclass
class Took:
    """What a process took, and what it printed."""

    wall: float
    cpu: float
    mb: float
    out: str


def measured(command: list, environment: dict | None = None, threads: int = 2) -> Took:
    """Runs a command on `threads` cores; CPU seconds are user and system. A failure ends the bench."""
    cores = sorted(os.sched_getaffinity(0))[:threads]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        started = time.monotonic()
        child = subprocess.Popen(
            [str(word) for word in command],
            stdout=out,
            stderr=errors,
            env={**os.environ, **(environment or {})},
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        for stream in (out, errors):
            stream.seek(0)
        if child.returncode:
            raise SystemExit(f"{command}\n{out.read()[-2000:]}\n{errors.read()[-4000:]}")
        return Took(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, out.read())
