"""A small hub on this machine: data sets as files, in the few answers that `datasets` asks for."""

import hashlib
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

SHA = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def hub(data_sets):
    """The address of a hub that serves for the block."""
    with Hub(data_sets) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.url
        server.shutdown()


class Hub(ThreadingHTTPServer):
    """Serves data sets: name -> path -> bytes."""

    def __init__(self, data_sets):
        super().__init__(("127.0.0.1", 0), Answer)
        self.data_sets = data_sets

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        path = unquote(urlsplit(self.path).path)
        for name, files in self.server.data_sets.items():
            if path.startswith(f"/api/datasets/{name}"):
                return self.describe(name, files, path.removeprefix(f"/api/datasets/{name}"))
            if path.startswith(f"/datasets/{name}/resolve/"):
                file = path.removeprefix(f"/datasets/{name}/resolve/").partition("/")[2]
                return self.send_file(files[file]) if file in files else self.refuse("EntryNotFound")
        return self.refuse("RepoNotFound")

    def do_HEAD(self):
        return self.do_GET()

    def describe(self, name, files, what):
        if what.startswith("/tree/"):
            folder = what.removeprefix("/tree/").partition("/")[2]
            return self.send_json(children(files, f"{folder}/" if folder else ""))
        return self.send_json({"id": name, "sha": SHA, "siblings": [], "private": False, "tags": []})

    def refuse(self, code):
        self.send(404, b"{}", {"X-Error-Code": code})

    def send_json(self, content):
        self.send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def send_file(self, content):
        about = {
            "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            "X-Repo-Commit": SHA,
            "Accept-Ranges": "bytes",
        }
        wanted = self.headers.get("Range")
        if not wanted:
            return self.send(200, content, about)
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        end = min(int(last or len(content) - 1), len(content) - 1)
        about["Content-Range"] = f"bytes {first}-{end}/{len(content)}"
        return self.send(206, content[int(first) : end + 1], about)

    def send(self, status, content, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def children(files, folder):
    """What lies in a folder of the repository, without what lies deeper."""
    below = {name: name.removeprefix(folder).partition("/") for name in files if name.startswith(folder)}
    folders = {f"{folder}{first}" for first, deeper, _ in below.values() if deeper}
    here = [entry(name, files[name]) for name, (_, deeper, _) in below.items() if not deeper]
    return here + [{"type": "directory", "path": name, "oid": "0" * 40} for name in sorted(folders)]


def entry(name, content):
    return {"type": "file", "path": name, "size": len(content), "oid": hashlib.sha1(content).hexdigest()}  # noqa: S324
