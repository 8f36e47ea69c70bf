"""A real HTTP server that judges as an LLM would, by a rule; or fails in a known way."""

import json
import re
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = re.compile(r"<<<ANSWER (\w) (\w+)\n(.*?)\nANSWER \1 \2>>>", re.DOTALL)


def longer(first, second):
    return "A" if len(first) > len(second) else "B" if len(second) > len(first) else "TIE"


def always_first(first, second):
    return "A"


@contextmanager
def judge_server(rule=longer, statuses=(), verdict="VERDICT {nonce}: {letter}", wait_s=0.0, headers=()):
    """Yield (address, requests): `statuses` are given first, one a request, then `rule` decides."""
    requests, left = [], list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            requests.append({"body": body, "key": self.headers.get("Authorization"), "path": self.path})
            time.sleep(wait_s)
            if left:
                return self._send(left.pop(0), b'{"error": "busy, secret-key"}')
            (_, nonce, first), (_, _, second) = CONTENT.findall(body["messages"][1]["content"])
            said = "I looked.\n" + verdict.format(nonce=nonce, letter=rule(first, second))
            reply = {"model": "judge-1", "choices": [{"message": {"content": said}}]}
            self._send(200, json.dumps(reply).encode())

        def _send(self, status, content):
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            # Who gave up waiting is gone.
            with suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", requests
    finally:
        server.shutdown()
        server.server_close()


def write_samples(root, rows):
    """reports/samples.jsonl of (prompt, candidate's, sft's, judge's margin)."""
    path = root / "reports/samples.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    records = [
        {"prompt": prompt, "policy": {"text": ours, "judge": margin}, "sft": {"text": theirs, "judge": 0.0}}
        for prompt, ours, theirs, margin in rows
    ]
    path.write_text("".join(json.dumps(each) + "\n" for each in records))
