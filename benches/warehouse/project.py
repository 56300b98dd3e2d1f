"""Makes small pipelines for the bench. In: sources and models as text. Out: a folder that tallyhouse runs."""

import pathlib
import shutil

PIPELINE = """name: bench
warehouse: ../warehouse
timezone: Asia/Shanghai
run_date: 2026-06-30
sources: sources/*.yaml
models: ../sql
publish: { keep_snapshots: 9 }
"""


class Project:
    """A pipeline in a folder that is made anew."""

    def __init__(self, folder: pathlib.Path):
        shutil.rmtree(folder, ignore_errors=True)
        self.folder = folder
        self.file("pipelines/nightly.yaml", PIPELINE)
        (folder / "sql").mkdir(parents=True, exist_ok=True)

    def file(self, path: str, text: str) -> pathlib.Path:
        """Writes a file below the folder."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def source(self, name: str, contract: str) -> None:
        """Writes a source that reads `extracts/<name>/*`."""
        self.file(f"pipelines/sources/{name}.yaml", f"name: {name}\nlocation: ../../extracts/{name}/*\n{contract}")

    def command(self, binary: pathlib.Path, *words: str) -> list[str]:
        """Returns a command of tallyhouse over this pipeline."""
        return [str(binary), *words, "--pipeline", str(self.folder / "pipelines/nightly.yaml")]
