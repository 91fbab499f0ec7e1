"""The screens in a browser: who gets them, and what may be done there."""

import asyncio
import contextlib
import importlib.util
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from experiments.runs.directory import RunDirectory
from genre_tui.cli import main
from genre_tui.core.app_session import AppSession
from tests.conftest import record_run
from tests.support.browser import CHROMIUM, Browser
from tests.support.processes import wait_until

needs_serve = pytest.mark.skipif(
    importlib.util.find_spec("textual_serve") is None, reason="the extra 'serve' is not installed"
)


@pytest.fixture
def port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def serving(port: int, *words: object) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """A server that is ready, and what it has printed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "genre_tui", "--serve", "--port", str(port), *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline(), process.stdout.readline()]
        wait_until(lambda: _listens(port))
        yield process, lines
    finally:
        process.terminate()
        process.wait(60)
        process.stdout.close()


def _listens(port: int) -> bool:
    with contextlib.closing(socket.socket()) as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


async def _answer(address: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    import aiohttp

    async with aiohttp.ClientSession() as client, client.get(address, headers=headers) as answer:
        return answer.status, await answer.text(), dict(answer.headers)


async def _websocket(address: str, **headers: str) -> int:
    """The status of an answer to a request for a web socket."""
    import aiohttp

    async with aiohttp.ClientSession() as client:
        try:
            async with client.ws_connect(address, headers=headers):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status


@needs_serve
def test_only_pages_of_its_own_are_served(own_places: Path, port: int) -> None:
    record_run(own_places / "runs")

    async def ask() -> None:
        here = f"http://127.0.0.1:{port}"
        status, page, headers = await _answer(f"{here}/")
        assert status == 200
        assert f"ws://127.0.0.1:{port}/ws" in page
        assert "default-src 'self'" in headers["Content-Security-Policy"]
        _, page, _ = await _answer(f"http://localhost:{port}/")
        assert f"ws://localhost:{port}/ws" in page, "a page talks to where it came from"
        _, page, _ = await _answer(f"{here}/", Host="127.0.0.1:9999")  # through a tunnel
        assert "ws://127.0.0.1:9999/ws" in page
        for headers in (
            {"Host": "evil.example"},
            {"Host": f"evil.example:{port}"},
            {"Origin": "https://evil.example"},
            {"Origin": f"http://127.0.0.1:{port + 1}"},
            {"Origin": "null"},
        ):
            assert (await _answer(f"{here}/", **headers))[0] == 403, headers
            assert await _websocket(f"{here}/ws", **headers) == 403, headers
        assert await _websocket(f"{here}/ws", Origin=here) == 101

    with serving(port) as (process, lines):
        assert lines[0].startswith(f"Open http://127.0.0.1:{port}/ in a browser here, to look only")
        assert f"ssh -L {port}:127.0.0.1:{port} " in lines[0]
        asyncio.run(ask())
        with socket.socket() as other:  # of this machine, but not its loopback
            address = socket.gethostbyname(socket.gethostname())
            if not address.startswith("127."):
                assert other.connect_ex((address, port)) != 0
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0


@needs_serve
def test_what_may_be_changed_has_a_key(own_places: Path, port: int) -> None:
    async def ask(line: str) -> None:
        import aiohttp

        address = line.split()[1]
        here, _, key = address.partition("?key=")
        assert len(key) > 20
        assert (await _answer(here))[0] == 403
        assert (await _answer(f"{here}?key=wrong"))[0] == 403
        assert await _websocket(f"{here}ws") == 403
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as client:
            async with client.get(address) as answer:
                assert answer.status == 200
                cookie = answer.headers["Set-Cookie"]
                assert "HttpOnly" in cookie
                assert "SameSite=Strict" in cookie
            async with client.ws_connect(f"{here}ws"):
                pass

    with serving(port, "--writable") as (_, lines):
        asyncio.run(ask(lines[0]))


@needs_serve
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_keys_reach_it_from_a_browser(own_places: Path, tmp_path: Path, port: int) -> None:
    record_run(own_places / "runs")

    async def look() -> None:
        async with Browser(tmp_path / "browser") as browser:
            await browser.open(f"http://127.0.0.1:{port}/")
            await browser.wait_for("document.body.classList.contains('-first-byte')")
            studies = await _still(browser)
            await browser.press("2")
            assert await _still(browser) != studies, "another screen is drawn"
            await browser.press("q")
            await browser.wait_for("document.body.classList.contains('-closed')")

    with serving(port) as (process, _):
        asyncio.run(look())
        wait_until(lambda: not _children(process.pid))


async def _still(browser: Browser) -> bytes:
    """A picture once two in a row are the same."""
    before = b""
    while (seen := await browser.picture()) != before:
        before = seen
        await asyncio.sleep(1.0)
    return seen


@needs_serve
def test_exports_are_downloads(own_places: Path, port: int) -> None:
    async def load() -> str:
        import aiohttp

        here = f"http://127.0.0.1:{port}"
        async with aiohttp.ClientSession() as client, client.ws_connect(f"{here}/ws") as page:
            drawn = b""
            while b"Quit" not in drawn:
                drawn += await page.receive_bytes(timeout=90)
            await page.send_json(["stdin", "e"])
            while b"studies.csv" not in drawn:
                drawn += await page.receive_bytes(timeout=90)
            await page.send_json(["stdin", "\r"])
            while (frame := await page.receive(timeout=90)).type != aiohttp.WSMsgType.TEXT:
                continue
            kind, key = frame.json()
            assert kind == "deliver_file_start"
            async with client.get(f"{here}/download/{key}") as answer:
                assert "studies.csv" in answer.headers["Content-Disposition"]
                return await answer.text()

    with serving(port):
        assert asyncio.run(load()).startswith("study,question,")
    assert not (Path.cwd() / "studies.csv").exists()


@needs_serve
def test_pages_end_with_a_server_that_is_killed(own_places: Path, port: int) -> None:
    async def look(process: subprocess.Popen[str]) -> None:
        import aiohttp

        async with (
            aiohttp.ClientSession() as client,
            client.ws_connect(f"http://127.0.0.1:{port}/ws") as page,
        ):
            await page.receive_bytes(timeout=90)
            (child,) = _children(process.pid)
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            assert b"--read-only" in words
            assert b"--served" in words
            process.kill()
            wait_until(lambda: not Path(f"/proc/{child}").exists() or _is_zombie(child))

    with serving(port) as (process, _):
        asyncio.run(look(process))


@needs_serve
def test_the_size_of_pages_is_bounded(own_places: Path, port: int) -> None:
    async def look(process: subprocess.Popen[str]) -> None:
        import aiohttp

        address = f"http://127.0.0.1:{port}/ws?width=20000&height=20000"
        async with aiohttp.ClientSession() as client, client.ws_connect(address) as page:
            await page.receive_bytes(timeout=90)
            size = {"width": 30000, "height": 30000}
            for wished in (size, {"width": "x", "height": None}, size):
                await page.send_json(["resize", wished])
            await page.send_json(["stdin", "2"])
            drawn = b""
            while b"Runs" not in drawn:
                drawn += await page.receive_bytes(timeout=90)
            await asyncio.sleep(3.0)
            (child,) = _children(process.pid)
            assert _peak_memory(child) < 700, "MB"

    with serving(port) as (process, _):
        asyncio.run(look(process))


@needs_serve
def test_the_number_of_pages_is_bounded() -> None:
    from aiohttp import web
    from aiohttp.test_utils import make_mocked_request

    from genre_tui.serve import MOST_PAGES, LocalServer

    server, open_now = LocalServer(["true"], 8000), 0

    async def page(_: object) -> None:
        nonlocal open_now
        open_now += 1
        await asyncio.sleep(0)
        open_now -= 1

    async def ask() -> list[object]:
        requests = [make_mocked_request("GET", "/ws") for _ in range(MOST_PAGES + 2)]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("textual_serve.server.Server.handle_websocket", lambda _, r: page(r))
            return await asyncio.gather(
                *map(server.handle_websocket, requests), return_exceptions=True
            )

    for _ in range(2):  # those that have gone leave room
        answers = asyncio.run(ask())
        refused = [answer for answer in answers if answer is not None]
        assert [type(answer) for answer in refused] == [web.HTTPServiceUnavailable] * 2


def _peak_memory(pid: int) -> float:
    """In MB."""
    (line,) = (
        line
        for line in Path(f"/proc/{pid}/status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    return int(line.split()[1]) / 1000


def _children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found if not _is_zombie(int(child))]


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@needs_serve
def test_the_command_of_a_page_keeps_all_options() -> None:
    from genre_tui.serve import LocalServer, command

    evil = "$(touch x); 'y' \"z\" `w` & a"
    run = RunDirectory(Path(f"/runs/{evil}/20260102T030405Z-abc123"))
    session = AppSession(Path(f"/{evil}"), f"/data/{evil}.h5", False, 2.5, run)
    words = command(session, "light", writable=False)
    assert words[1:4] == ["-m", "genre_tui", "--served"]
    assert words[words.index("--runs") + 1] == f"/{evil}"
    assert words[words.index("--data") + 1] == f"/data/{evil}.h5"
    assert words[words.index("--refresh") + 1] == "2.5"
    assert words[words.index("--theme") + 1] == "light"
    assert words[-2:] == ["--", str(run.path)]
    assert "--read-only" in words
    assert "--read-only" not in command(session, "light", writable=True)
    session.read_only = True
    assert "--read-only" in command(session, "light", writable=True)
    # What the server's shell makes of it.
    server = LocalServer([sys.executable, "-c", "import sys; print(sys.argv[1:])", *words], 8000)
    done = subprocess.run(server.command, shell=True, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == repr(words)
    assert server.command.startswith("exec ")
    assert shlex.split(server.command)[1] == sys.executable
    simple = command(AppSession(Path("runs"), "mine"), "auto", writable=True)
    assert simple[-4:] == ["--theme", "dark", "--data", "mine"]


@needs_serve
def test_a_port_that_is_taken_is_told(own_places: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = CliRunner().invoke(main, ["--serve", "--port", str(port)])
    assert done.exit_code == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line == (
        f"Error: nothing can listen at port {port} of 127.0.0.1 (Address already in use): choose "
        "another with --port."
    )


@pytest.mark.parametrize("missing", ["textual_serve", "aiohttp"])
def test_without_the_extra_it_says_how_to_get_it(
    own_places: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "genre_tui.serve", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    done = CliRunner().invoke(main, ["--serve"])
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert "pip install 'genre-tui[serve]'" in line
