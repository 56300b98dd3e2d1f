"""Serves the files of a folder on a free port of this machine until its standard input ends.

    place.py s3 FOLDER BUCKET               a server that speaks S3, with every file of the folder in the bucket
    place.py locked-s3 FOLDER BUCKET        the same, which then lets nobody in
    place.py google FOLDER BUCKET           a server that speaks the XML API of Google Cloud Storage, likewise
    place.py locked-google FOLDER BUCKET    the same, which lets nobody in
    place.py http FOLDER                    a plain web server

The first line of the output is the server's address.
"""

import base64
import collections
import datetime
import email.utils
import functools
import hashlib
import http.server
import os
import pathlib
import sys
import threading
import time
import urllib.parse
import uuid
from xml.etree import ElementTree
from xml.sax.saxutils import escape

# So few that hardly a listing is whole on its first page.
LISTED_AT_ONCE = 5


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


Stored = collections.namedtuple("Stored", "body generation tag")


class Bucket:
    """The objects of a bucket by key, and the parts of uploads that are not complete."""

    def __init__(self, name, locked):
        self.name, self.locked = name, locked
        self.objects, self.uploads = {}, {}
        self.newest, self.changing = 0, threading.Lock()

    def put(self, key, body, over=None, tag=None):
        """Writes an object, unless `over` is another generation than that of what is there; 0 is that of nothing."""
        with self.changing:
            there = self.objects.get(key)
            if over is not None and int(over) != (there.generation if there else 0):
                return None
            # A generation is the microsecond of the writing.
            self.newest = max(self.newest + 1, time.time_ns() // 1000)
            stored = Stored(body, self.newest, f'"{tag or hashlib.md5(body).hexdigest()}"')
            self.objects[key] = stored
            return stored

    def remove(self, key):
        """Removes an object and returns it, if it is there."""
        with self.changing:
            return self.objects.pop(key, None)

    def listed(self, prefix, delimiter, start):
        """Returns what a listing names, sorted: keys with their objects, and with None what keys have in common."""
        entries = {}
        with self.changing:
            for key, stored in self.objects.items():
                if key.startswith(prefix) and key > start:
                    cut = key.find(delimiter, len(prefix)) if delimiter else -1
                    entries[key if cut < 0 else key[: cut + len(delimiter)]] = stored if cut < 0 else None
        return sorted(entries.items())


class Google(http.server.BaseHTTPRequestHandler):
    """Answers for one bucket as <https://cloud.google.com/storage/docs/xml-api/overview> says."""

    protocol_version = "HTTP/1.1"
    # Head and body leave together; apart, the second would wait until the first has been acknowledged.
    wbufsize = -1

    def __init__(self, bucket, *arguments):
        self.bucket = bucket
        super().__init__(*arguments)

    def answer(self):
        length = int(self.headers.get("Content-Length", 0))
        self.body = self.rfile.read(length)
        if len(self.body) < length:
            # The client is gone, and half an object is none.
            self.close_connection = True
            return
        path, _, query = self.path.partition("?")
        bucket, _, key = path.removeprefix("/").partition("/")
        self.key = urllib.parse.unquote(key)
        self.query = dict(urllib.parse.parse_qsl(query, keep_blank_values=True))
        if self.bucket.locked:
            self.refuse(403, "AccessDenied", "Access denied.")
        elif urllib.parse.unquote(bucket) != self.bucket.name:
            self.refuse(404, "NoSuchBucket", "The specified bucket does not exist.")
        elif self.command in ("GET", "HEAD"):
            self.give_object() if self.key else self.give_listing()
        elif "uploads" in self.query or "uploadId" in self.query:
            self.take_parts()
        elif self.command == "PUT":
            self.take_object()
        elif self.command == "DELETE" and self.bucket.remove(self.key):
            self.say(204)
        else:
            self.refuse_key()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = answer

    def give_object(self):
        stored = self.bucket.objects.get(self.key)
        if stored is None:
            return self.refuse_key()
        if self.headers.get("If-Match", "*") not in ("*", stored.tag):
            return self.refuse_state()
        if self.headers.get("If-None-Match") in ("*", stored.tag):
            return self.say(304, stored=stored)
        if "Range" not in self.headers:
            return self.say(200, stored.body, stored)
        size = len(stored.body)
        first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
        start, end = (int(first), min(int(last or size) + 1, size)) if first else (max(size - int(last), 0), size)
        if start >= end:
            return self.refuse(416, "InvalidRange", "The requested range cannot be satisfied.")
        self.say(206, stored.body[start:end], stored, ("Content-Range", f"bytes {start}-{end - 1}/{size}"))

    def give_listing(self):
        asked = self.query.get
        entries = self.bucket.listed(asked("prefix", ""), asked("delimiter"), asked("start-after", ""))
        seen = base64.urlsafe_b64decode(asked("continuation-token", "")).decode()
        entries = [entry for entry in entries if entry[0] > seen]
        page = entries[: min(int(asked("max-keys", LISTED_AT_ONCE)), LISTED_AT_ONCE)]
        listing = [("Name", self.bucket.name), ("Prefix", asked("prefix", "")), ("KeyCount", len(page))]
        listing.append(("IsTruncated", "true" if len(page) < len(entries) else "false"))
        if len(page) < len(entries):
            listing.append(("NextContinuationToken", base64.urlsafe_b64encode(page[-1][0].encode()).decode()))
        listing += [("Contents", [("Key", key), *described(stored)]) for key, stored in page if stored]
        listing += [("CommonPrefixes", [("Prefix", prefix)]) for prefix, stored in page if not stored]
        self.say_xml("ListBucketResult", listing)

    def take_object(self):
        source = self.headers.get("x-goog-copy-source")
        if source:
            copied = self.bucket.objects.get(urllib.parse.unquote(source).removeprefix("/").partition("/")[2])
            if copied is None:
                return self.refuse_key()
            self.body = copied.body
        stored = self.bucket.put(self.key, self.body, self.headers.get("x-goog-if-generation-match"))
        if stored is None:
            self.refuse_state()
        elif source:
            self.say_xml("CopyObjectResult", described(stored), stored)
        else:
            self.say(200, stored=stored)

    def take_parts(self):
        if "uploads" in self.query:
            upload = uuid.uuid4().hex
            self.bucket.uploads[upload] = {}
            return self.say_xml("InitiateMultipartUploadResult", [("Key", self.key), ("UploadId", upload)])
        upload = self.query["uploadId"]
        parts = self.bucket.uploads.get(upload)
        if parts is None:
            return self.refuse(404, "NoSuchUpload", "The specified upload does not exist.")
        if self.command == "PUT":
            tag = f'"{hashlib.md5(self.body).hexdigest()}"'
            parts[self.query["partNumber"], tag] = self.body
            return self.say(200, b"", None, ("ETag", tag))
        stored = None
        if self.command == "POST":
            named = ElementTree.fromstring(self.body).iter("Part")
            named = [(part.findtext("PartNumber"), part.findtext("ETag")) for part in named]
            if not parts.keys() >= set(named):
                return self.refuse(400, "InvalidPart", "One or more of the specified parts could not be found.")
            # The tag of such an object is no hash of its bytes.
            stored = self.bucket.put(self.key, b"".join(map(parts.get, named)), tag=f"-{upload}")
        del self.bucket.uploads[upload]
        if stored:
            self.say_xml("CompleteMultipartUploadResult", [("Key", self.key), ("ETag", stored.tag)], stored)
        else:
            self.say(204)

    def refuse_key(self):
        self.refuse(404, "NoSuchKey", "The specified key does not exist.")

    def refuse_state(self):
        self.refuse(412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold.")

    def refuse(self, status, code, message):
        self.say_xml("Error", [("Code", code), ("Message", message)], status=status)

    def say_xml(self, name, content, stored=None, status=200):
        document = "<?xml version='1.0' encoding='UTF-8'?>" + element(name, content)
        self.say(status, document.encode(), stored, ("Content-Type", "application/xml; charset=UTF-8"))

    def say(self, status, body=b"", stored=None, *headers):
        self.send_response(status)
        if stored:
            # In whole seconds, where a listing has milliseconds.
            headers += (("Last-Modified", email.utils.formatdate(stored.generation // 10**6, usegmt=True)),)
            headers += (("ETag", stored.tag), ("x-goog-generation", stored.generation))
        for name, value in (*headers, ("Content-Length", len(body))):
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def described(stored):
    """Returns what a listing says of an object beside its key."""
    modified = datetime.datetime.fromtimestamp(stored.generation / 10**6, datetime.timezone.utc)
    modified = modified.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    about = [("Generation", stored.generation), ("MetaGeneration", 1), ("LastModified", modified)]
    return [*about, ("ETag", stored.tag), ("Size", len(stored.body))]


def element(name, content):
    """Returns an XML element around a value, or around further elements."""
    is_list = isinstance(content, list)
    return f"<{name}>{''.join(element(*inner) for inner in content) if is_list else escape(str(content))}</{name}>"


def serve_google(folder, bucket, locked):
    bucket = Bucket(bucket, locked)
    for key, path in files(folder):
        bucket.put(key, path.read_bytes())
    return serve(functools.partial(Google, bucket))


def serve_http(folder):
    return serve(functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder))


def serve(handler):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return "http://127.0.0.1:{}".format(server.server_address[1])


def main():
    kind, folder, *rest = sys.argv[1:]
    sys.stderr = open(os.devnull, "w") if "TALLYHOUSE_SHOW_PLACE" not in os.environ else sys.stderr
    if kind == "http":
        address = serve_http(folder)
    else:
        serve_bucket = serve_google if kind.endswith("google") else serve_s3
        address = serve_bucket(folder, rest[0], kind.startswith("locked-"))
    print(address, flush=True)
    sys.stdin.read()


main()
