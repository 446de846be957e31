"""Google Cloud Storage, as much of it as dwell takes: lists, sizes, ranges and conditional writes of the files of a folder, by its XML API.

Where a request has no token it answers as the service does, so that a signed run is told from one that is not.
"""

import hashlib
import pathlib
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.sax.saxutils import escape

ROOT = pathlib.Path(sys.argv[1])
PAGE = 4
GENERATIONS: dict[pathlib.Path, int] = {}
WRITING = threading.Lock()


def etag(data: bytes) -> str:
    return '"' + hashlib.md5(data).hexdigest() + '"'


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        bucket, _, key = urllib.parse.unquote(url.path).lstrip("/").partition("/")
        if bucket != "bucket":
            return self.answer(404, b"<Error><Code>NoSuchBucket</Code><Message>no such bucket</Message></Error>")
        return self.listing(query) if not key else self.object(key)

    do_HEAD = do_GET

    def do_PUT(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        path = self.path_of_object()
        with WRITING:
            now = GENERATIONS.get(path, 1) if path.is_file() else 0
            if int(self.headers.get("x-goog-if-generation-match", now)) != now:
                return self.answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            GENERATIONS[path] = now + 1000
            return self.answer(200, headers={"ETag": etag(data), "x-goog-generation": str(GENERATIONS[path])})

    def do_DELETE(self):
        path = self.path_of_object()
        with WRITING:
            path.unlink(missing_ok=True)
        self.answer(204)

    def path_of_object(self):
        return ROOT / urllib.parse.unquote(urllib.parse.urlparse(self.path).path).removeprefix("/bucket/")

    def listing(self, query):
        prefix, after = query.get("prefix", ""), query.get("continuation-token", "")
        keys = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file())
        names = []
        for key in keys:
            if not key.startswith(prefix):
                continue
            rest = key[len(prefix):]
            name = prefix + rest.split("/")[0] + "/" if "delimiter" in query and "/" in rest else key
            if name > after and name not in names:
                names.append(name)
        body = '<?xml version="1.0"?><ListBucketResult>'
        if len(names) > PAGE:
            body += f"<IsTruncated>true</IsTruncated><NextContinuationToken>{names[PAGE - 1]}</NextContinuationToken>"
        for name in names[:PAGE]:
            if name.endswith("/"):
                body += f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>"
                continue
            data = (ROOT / name).read_bytes()
            body += (
                f"<Contents><Key>{escape(name)}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                f"<ETag>{escape(etag(data))}</ETag><Size>{len(data)}</Size></Contents>"
            )
        self.answer(200, (body + "</ListBucketResult>").encode(), {"Content-Type": "application/xml"})

    def object(self, key):
        path = ROOT / key
        if not path.is_file():
            return self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        data = path.read_bytes()
        headers = {"ETag": etag(data), "Last-Modified": "Thu, 01 Jan 2026 00:00:00 GMT", "x-goog-generation": str(GENERATIONS.get(path, 1))}
        if self.headers.get("If-Match", etag(data)) != etag(data):
            return self.answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
        wanted = self.headers.get("Range")
        if not wanted:
            return self.answer(200, data, headers)
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first), min(int(last) + 1, len(data))
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
        return self.answer(206, data[start:end], headers)


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
