#!/usr/bin/env python3
"""Validates every shipped definition against the published JSON Schemas, with a validator of another house.

    python schemas.py REPOSITORY

Also makes sure that the schemas are themselves valid, that every YAML file names its schema in the first line, and that
the schemas refuse an unknown key. Prints one line for each kind; on a fault it prints it and leaves with exit code 1.
"""

import argparse
import json
import re
import sys
from pathlib import Path

import jsonschema
import yaml

MODELINE = re.compile(r"^# yaml-language-server: \$schema=(\S+)$")
HEADER = re.compile(r"\A/\* ---\n(.*?)\n--- \*/", re.DOTALL)


class Loader(yaml.SafeLoader):
    """YAML 1.2 as editors read it: dates are text, and so are `on` and `off`."""


Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool")]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|True|TRUE|false|False|FALSE)$"), "tTfF")


def schema_of(root, kind):
    schema = json.loads((root / "docs" / "schemas" / f"{kind}.schema.json").read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    return validator(schema)


def faults_of(validator, path, text):
    value = yaml.load(text, Loader)
    for error in validator.iter_errors(value):
        yield f"{path}: {'/'.join(map(str, error.absolute_path))}: {error.message}"
    if isinstance(value, dict) and validator.is_valid({**value, "no_such_key": 1}):
        yield f"{path}: the schema accepts an unknown key"


def modeline_faults(path, kind):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    found = MODELINE.match(first)
    if not found:
        yield f"{path}: the first line names no schema"
    elif (path.parent / found[1]).resolve().name != f"{kind}.schema.json" or not (path.parent / found[1]).exists():
        yield f"{path}: the first line names another schema: {found[1]}"


def yaml_files(root, kind, paths):
    validator = schema_of(root, kind)
    for path in paths:
        yield from modeline_faults(path, kind)
        yield from faults_of(validator, path, path.read_text(encoding="utf-8"))


def headers(root, kind, paths):
    validator = schema_of(root, kind)
    for path in paths:
        header = HEADER.match(path.read_text(encoding="utf-8"))
        if header:
            yield from faults_of(validator, path, header[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("repository", type=Path)
    root = parser.parse_args().repository
    sources = sorted((root / "pipelines" / "sources").glob("*.yaml"))
    pipelines = sorted((root / "pipelines").glob("*.yaml"))
    reports = sorted((root / "pipelines" / "reports").glob("*.yaml"))
    entities = sorted((root / "pipelines" / "entities").glob("*.yaml"))
    functions = sorted((root / "sql" / "functions").glob("*.sql"))
    models = sorted(set((root / "sql").rglob("*.sql")) - set(functions))
    found = {
        "pipelines": (len(pipelines), list(yaml_files(root, "pipeline", pipelines))),
        "sources": (len(sources), list(yaml_files(root, "source", sources))),
        "reports": (len(reports), list(yaml_files(root, "report", reports))),
        "entities": (len(entities), list(yaml_files(root, "entity", entities))),
        "models": (len(models), list(headers(root, "model", models))),
        "functions": (len(functions), list(headers(root, "function", functions))),
    }
    schema_of(root, "manifest")
    for kind, (count, faults) in found.items():
        print(f"{kind}: {count} files, {len(faults)} faults")
        for fault in faults:
            print(f"  {fault}")
    sys.exit(1 if any(faults or not count for count, faults in found.values()) else 0)


if __name__ == "__main__":
    main()
