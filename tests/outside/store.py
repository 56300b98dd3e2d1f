"""Reads a warehouse in an S3 bucket as strangers do, and prints what it finds as JSON.

    store.py ADDRESS BUCKET PREFIX

`tables`: rows of every public table, sorted, read by pyarrow from the files that the manifest names; `polars`: their
number as Polars reads them; `unknown`: objects that no manifest and no document accounts for.
"""

import io
import json
import sys

import boto3
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
    unknown = [name for name in names if name not in known and not name.startswith(documents)]
    missing = sorted(known - set(names))
    tables, counted = {}, {}
    for name, table in served["tables"].items():
        schema, short = name.split(".")
        if schema in ("staged", "quarantine"):
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
    print(json.dumps({"snapshot": served["snapshot"], "tables": tables, "polars": counted, "unknown": unknown, "missing": missing}))


def shown(value):
    return "NULL" if value is None else str(value)


def files_of(manifest):
    """Yields the key of every file that a manifest names."""
    for name, table in manifest["tables"].items():
        schema, short = name.split(".")
        place = f"private/{schema}" if schema in ("staged", "quarantine") else schema
        for partition in table["partitions"]:
            yield from (f"{place}/{short}/data/{file['path']}" for file in partition["files"])
    for source, found in manifest["inputs"].items():
        packs = found.get("packs", []) + found.get("reject_packs", [])
        yield from (f"private/normalized/{source}/data/{file['path']}" for file in packs)


main()
