"""Reads a warehouse in an S3 bucket as strangers do, and prints what it finds as JSON.

    store.py ADDRESS BUCKET PREFIX

`tables`: rows of every public table, sorted, read by pyarrow from the files that the manifest names; `polars`: their
number as Polars reads them; `delta`: the rows of their Delta tables; `unknown`: objects that no manifest and no document accounts for.
"""

import io
import json
import os
import sys

import urllib.parse

import boto3
import deltalake
import polars
import pyarrow.parquet


def main():
    address, bucket, prefix = sys.argv[1:]
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client = boto3.client("s3", endpoint_url=address, region_name="us-east-1", **keys)

    def read(key):
        return client.get_object(Bucket=bucket, Key=f"{prefix}/{key}")["Body"].read()

    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
    names = [item["Key"].removeprefix(f"{prefix}/") for page in pages for item in page.get("Contents", [])]
    pointer = json.loads(read("current.json"))
    served = json.loads(read(pointer["manifest"]))
    manifests = [json.loads(read(name)) for name in names if name.endswith("/manifest.json")]
    known = {file for manifest in manifests for file in files_of(manifest)}
    documents = ("current.json", "lock.json", "hold.json", "env/", "runs/", "snapshots/")
    unknown = [n for n in names if n not in known and not n.startswith(documents) and "/_delta_log/" not in n]
    logs = {"/".join(name.split("/")[:2]) for name in names if "/_delta_log/" in name}
    options = {"endpoint_url": address, "allow_http": "true", "region": "us-east-1", **keys}
    missing = sorted(known - set(names))
    tables, counted, delta = {}, {}, {}
    for name, table in served["tables"].items():
        schema, short = name.split(".")
        if schema in ("staged", "quarantine") or name == "ops.check_failure" or name.endswith("_identity"):
            continue
        rows, count = [], 0
        for partition in table["partitions"]:
            values = dict(zip(table["partition_by"], partition["values"]))
            for file in partition["files"]:
                body = read(f"{schema}/{short}/data/{file['path']}")
                read_back = pyarrow.parquet.ParquetFile(io.BytesIO(body)).read().to_pylist()
                rows += ["|".join(shown({**row, **values}[c["name"]]) for c in table["columns"]) for row in read_back]
                count += polars.read_parquet(io.BytesIO(body)).height
        tables[name], counted[name] = sorted(rows), count
        logs.discard(f"{schema}/{short}")
        table_of_log = deltalake.DeltaTable(f"s3://{bucket}/{urllib.parse.quote(f'{prefix}/{schema}/{short}')}", storage_options=options)
        assert table_of_log.version() == served["delta"][name]["version"], name
        columns = [column["name"] for column in table["columns"]]
        found = [tuple(row[c] for c in columns) for row in table_of_log.to_pyarrow_table().to_pylist()]
        delta[name] = sorted("|".join(map(shown, row)) for row in found)
    assert not logs, f"logs of no table: {logs}"
    # Threads of the readers' libraries must not end this program in their own way.
    print(json.dumps({"snapshot": served["snapshot"], "tables": tables, "polars": counted, "delta": delta, "unknown": unknown, "missing": missing}), flush=True)
    os._exit(0)


def shown(value):
    return "NULL" if value is None else str(value)


def files_of(manifest):
    """Yields the key of every file that a manifest names."""
    for name, table in manifest["tables"].items():
        schema, short = name.split(".")
        place = f"private/{schema}" if schema in ("staged", "quarantine") or name == "ops.check_failure" or name.endswith("_identity") else schema
        for partition in table["partitions"]:
            yield from (f"{place}/{short}/data/{file['path']}" for file in partition["files"])
    for source, found in manifest["inputs"].items():
        packs = found.get("packs", []) + found.get("reject_packs", [])
        yield from (f"private/normalized/{source}/data/{file['path']}" for file in packs)


main()
