"""Serves the files of a folder on a free port of this machine until its standard input ends.

    place.py s3 FOLDER BUCKET           a server that speaks S3, with every file of the folder in the bucket
    place.py locked-s3 FOLDER BUCKET    the same, which then lets nobody in
    place.py http FOLDER                a plain web server

The first line of the output is the server's address.
"""

import functools
import http.server
import os
import pathlib
import sys
import threading


def files(folder):
    """Yields the key and the path of every file below a folder."""
    root = pathlib.Path(folder)
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield path.relative_to(root).as_posix(), path


def serve_s3(folder, bucket, locked):
    listed = list(files(folder))
    if locked:
        os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(len(listed) + 1)
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    client = boto3.client(
        "s3", endpoint_url=address, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    client.create_bucket(Bucket=bucket)
    for key, path in listed:
        client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
    return address


def serve_http(folder):
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return "http://127.0.0.1:{}".format(server.server_address[1])


def main():
    kind, folder, *rest = sys.argv[1:]
    sys.stderr = open(os.devnull, "w") if "TALLYHOUSE_SHOW_PLACE" not in os.environ else sys.stderr
    address = serve_http(folder) if kind == "http" else serve_s3(folder, rest[0], kind == "locked-s3")
    print(address, flush=True)
    sys.stdin.read()


main()
