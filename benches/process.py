"""Runs a command and says what it took. In: the command. Out: wall and CPU seconds and peak memory, from the kernel."""

import collections.abc
import dataclasses
import os
import subprocess
import tempfile
import time


@dataclasses.dataclass
class Took:
    """What a process took, how it ended, and what it printed."""

    wall: float
    cpu: float
    mb: float
    code: int
    out: str
    errors: str

    def last_words(self) -> str:
        """Returns the end of what it printed."""
        return f"{self.out[-2000:]}\n{self.errors[-4000:]}".strip()


Listener = collections.abc.Callable[[str, float], None]


def tried(command: list, environment: dict | None = None, threads: int = 2, heard: Listener | None = None) -> Took:
    """Runs a command on `threads` cores; CPU seconds are user and system. `environment` comes on top of this process's own.

    `heard` is told each line that it writes to standard error as it writes it, with the CPU seconds taken until then.
    """
    cores = sorted(os.sched_getaffinity(0))[:threads]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        started = time.monotonic()
        child = subprocess.Popen(
            [str(word) for word in command],
            stdout=out,
            stderr=subprocess.PIPE if heard else errors,
            env={**os.environ, **(environment or {})},
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        if heard:
            for line in child.stderr:
                text = line.decode()
                heard(text, cpu_of(child.pid))
                errors.write(text)
            child.stderr.close()
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        for stream in (out, errors):
            stream.seek(0)
        cpu = usage.ru_utime + usage.ru_stime
        return Took(wall, cpu, usage.ru_maxrss / 1024, child.returncode, out.read(), errors.read())


def cpu_of(pid: int) -> float:
    """Returns the CPU seconds of a child until now: its clock, as Linux numbers the clocks of processes."""
    return time.clock_gettime((~pid << 3) | 2)


def measured(command: list, environment: dict | None = None, threads: int = 2, heard: Listener | None = None) -> Took:
    """As `tried`; a failure ends the bench."""
    took = tried(command, environment, threads, heard)
    if took.code:
        raise SystemExit(f"{command} left with {took.code}:\n{took.last_words()}")
    return took
