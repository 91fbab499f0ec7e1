"""Debian's Chromium without a window, driven through its developer tools."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium")
PATIENCE = 90.0  # seconds, on a busy machine
_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--remote-debugging-port=0", "--window-size=1000,700", "about:blank"),
)


class Browser:
    """One page. Use it with `async with`.

    Args:
        folder: an empty one, for what it keeps.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._number = folder, 0

    async def __aenter__(self) -> Browser:
        import aiohttp

        assert CHROMIUM is not None
        self._process = subprocess.Popen(
            [CHROMIUM, *_OPTIONS, f"--user-data-dir={self._folder}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ready = self._folder / "DevToolsActivePort"
        await self._until(lambda: ready.exists() and ready.read_text().count("\n") > 0)
        port = ready.read_text().splitlines()[0]
        self._client = aiohttp.ClientSession()
        async with self._client.get(f"http://127.0.0.1:{port}/json") as answer:
            (page,) = [one for one in await answer.json() if one["type"] == "page"]
        self._socket = await self._client.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()
        self._process.kill()
        self._process.wait()

    async def open(self, address: str) -> None:
        """Go to a page."""
        await self._ask("Page.navigate", url=address)

    async def press(self, key: str) -> None:
        """Press a key that is a character, in the terminal that the page shows."""
        await self.value("document.querySelector('.xterm-helper-textarea').focus()")
        await self._ask("Input.dispatchKeyEvent", type="keyDown", text=key, key=key)
        await self._ask("Input.dispatchKeyEvent", type="keyUp", key=key)

    async def wait_for(self, expression: str) -> None:
        """Wait until JavaScript is true."""
        end = time.monotonic() + PATIENCE
        while not await self.value(expression):
            assert time.monotonic() < end, expression
            await asyncio.sleep(0.1)

    async def value(self, expression: str) -> Any:
        """What JavaScript gives."""
        answer = await self._ask("Runtime.evaluate", expression=expression)
        return answer["result"].get("value")

    async def picture(self) -> bytes:
        """What is seen, as a PNG."""
        answer = await self._ask("Page.captureScreenshot")
        return base64.b64decode(answer["data"])

    async def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            answer = json.loads(await self._socket.receive_str(timeout=PATIENCE))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result

    async def _until(self, condition: Any) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, "Chromium does not answer"
            await asyncio.sleep(0.05)
