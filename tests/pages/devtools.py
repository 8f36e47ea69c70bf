"""A browser that is driven as a person drives it, by keys, over the DevTools protocol on two pipes."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pages.browser import BROWSER

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--remote-debugging-pipe",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
]  # fmt: skip
#: Keys that are no character, by their name.
CODES = {
    "ArrowLeft": 37,
    "ArrowRight": 39,
    "ArrowDown": 40,
    "ArrowUp": 38,
    "Escape": 27,
    "Tab": 9,
    "End": 35,
    "Enter": 13,
}


class Tab:
    """One page. Attributes: requests: addresses of all that it asked for; faults: what its console reported."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, os.fdopen(from_browser, "rb", buffering=0)
        self._next, self._left, self._session = 0, b"", ""
        self.requests: list[str] = []
        self.faults: list[str] = []
        target = self.say("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.say("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.say(f"{domain}.enable")

    def say(self, method: str, **params: Any) -> Any:
        """Send a command and return its result; what happens meanwhile is noted."""
        self._next += 1
        message = {"id": self._next, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            heard = self._hear()
            if heard.get("id") == self._next:
                assert "error" not in heard, (method, heard)
                return heard["result"]

    def _hear(self) -> dict[str, Any]:
        while b"\0" not in self._left:
            part = self._from.read(1 << 20)
            assert part, "the browser is gone"
            self._left += part
        whole, self._left = self._left.split(b"\0", 1)
        heard: dict[str, Any] = json.loads(whole)
        if heard.get("method") == "Network.requestWillBeSent":
            self.requests.append(heard["params"]["request"]["url"])
        if heard.get("method") in ("Log.entryAdded", "Runtime.exceptionThrown"):
            self.faults.append(json.dumps(heard["params"]))
        return heard

    def open(self, path: Path) -> None:
        # A page that asks now and then may just have asked: that is not of this one.
        self._go("about:blank")
        self.requests.clear()
        self._go(path.as_uri())
        self.settle()

    def _go(self, address: str) -> None:
        self.say("Page.navigate", url=address)
        while self.ask("document.readyState + location.href") != f"complete{address}":
            pass

    def settle(self) -> None:
        """Wait until what is on its way was drawn."""
        self.ask(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 30))))"
        )

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page."""
        found = self.say("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def press(self, *keys: str, shift: bool = False) -> None:
        """Press keys one after the other, each a character or a name in `CODES`."""
        for key in keys:
            what: dict[str, Any] = {"key": key, "modifiers": 8 if shift else 0}
            if key in CODES:
                what |= {"windowsVirtualKeyCode": CODES[key], "code": key}
            else:
                what["text"] = key
            self.say("Input.dispatchKeyEvent", type="keyDown", **what)
            self.say("Input.dispatchKeyEvent", type="keyUp", **{k: v for k, v in what.items() if k != "text"})
        self.settle()

    def looks(self, scheme: str, width: int, height: int) -> None:
        """Be a window of this size in "light" or "dark"."""
        self.say(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        self.say("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, path: Path, whole: bool = False) -> None:
        """A screenshot of the window, or of the whole page."""
        found = self.say("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))


@contextmanager
def browser(profile: Path) -> Iterator[Tab]:
    """A tab of a browser of its own, which ends with the block."""
    their_input, to_browser = os.pipe()
    from_browser, their_output = os.pipe()
    # A shell hands the pipes over under the numbers that the browser looks at.
    start = f'exec "$@" 3<&{their_input} 4>&{their_output}'
    command = ["bash", "-c", start, "bash", str(BROWSER), *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(
        command, pass_fds=(their_input, their_output), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        os.close(their_input)
        os.close(their_output)
        try:
            yield Tab(to_browser, from_browser)
        finally:
            os.close(to_browser)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
