"""Opens a page in headless Chromium through its DevTools protocol, as a phone or a desk shows it."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--remote-debugging-pipe",
)


class Browser:
    """A page of a running Chromium: `ask` a method of the protocol; `events` are what it said meanwhile."""

    def __init__(self, write, read):
        self.write, self.read, self.number, self.rest = write, read, 0, b""
        self.events, self.session = [], {}
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = {"sessionId": self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")

    def ask(self, method, **params):
        """The result of a method."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params, **self.session}
        os.write(self.write, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.next()
            if answer.get("id") == self.number:
                assert "result" in answer, answer
                return answer["result"]

    def next(self):
        """The next message; those that are events are kept."""
        while b"\0" not in self.rest:
            part = os.read(self.read, 1 << 20)
            assert part, "Chromium has ended"
            self.rest += part
        message, _, self.rest = self.rest.partition(b"\0")
        found = json.loads(message)
        if "method" in found:
            self.events.append(found)
        return found

    def open(self, path, width, height=800, mobile=False, dark=False):
        """Load a file in a window of this width, in pixels of a page."""
        self.events.clear()
        size = {"width": width, "height": height, "deviceScaleFactor": 2 if mobile else 1, "mobile": mobile}
        self.ask("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.ask("Emulation.setEmulatedMedia", features=[scheme])
        self.ask("Page.navigate", url=Path(path).absolute().as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.next()

    def value(self, expression):
        """What a line of JavaScript gives."""
        return self.ask("Runtime.evaluate", expression=expression, returnByValue=True)["result"]["value"]

    def faults(self):
        """What the console shows."""
        said = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [event["params"] for event in self.events if event["method"] in said]

    def requests(self):
        """The addresses that were asked for; of data in the page itself the word data."""
        asked = [event["params"] for event in self.events if event["method"] == "Network.requestWillBeSent"]
        urls = [each["request"]["url"] for each in asked]
        return ["data" if url.startswith("data:") else url for url in urls]

    def screenshot(self, path, top, height):
        """A part of the page as PNG, over its whole width."""
        clip = {"x": 0, "y": top, "width": self.value("innerWidth"), "height": height, "scale": 1}
        found = self.ask("Page.captureScreenshot", format="png", clip=clip, captureBeyondViewport=True)
        Path(path).write_bytes(base64.b64decode(found["data"]))


@contextmanager
def browser():
    """A running Chromium with a profile of its own."""
    (inner_read, write), (read, inner_write) = os.pipe(), os.pipe()

    def pipes():
        os.dup2(inner_read, 13), os.dup2(inner_write, 14)
        os.dup2(13, 3), os.dup2(14, 4)

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        words = [PROGRAM, *FLAGS, f"--user-data-dir={folder}"]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(words, preexec_fn=pipes, close_fds=False, start_new_session=True, **quiet)
        os.close(inner_read), os.close(inner_write)
        try:
            yield Browser(write, read)
        finally:
            os.close(write), os.close(read)
            process.kill()
            process.wait()
