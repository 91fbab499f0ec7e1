"""`genre-tui --serve`: the same screens in a browser on this machine, or through a tunnel."""

from __future__ import annotations

import copy
import getpass
import hmac
import logging
import os
import secrets
import shlex
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from aiohttp import web
from textual_serve.server import Server

from data.terminal.commands import echo
from experiments.errors import RunError
from genre_tui.core.app_session import AppSession

HOST = "127.0.0.1"
_NAMES = (HOST, "localhost")
MOST_PAGES = 16  # open at once, as each is a process

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class LocalServer(Server):
    """Serves pages to browsers; a subprocess draws each page.

    Requests of other web sites are refused. Other users of this machine can open it, unless a
    key is required in the address.
    """

    def __init__(self, words: Sequence[str], port: int, key: str = "") -> None:
        # A shell runs this: exec replaces the shell by the command.
        super().__init__(f"exec {shlex.join(words)}", HOST, port, "genre-tui")
        self._key, self._pages = key, 0

    @property
    def address(self) -> str:
        """Its URL."""
        return f"http://{HOST}:{self.port}/{f'?key={self._key}' if self._key else ''}"

    def initialize_logging(self) -> None:
        """Log errors only."""
        logging.basicConfig(level=logging.ERROR, format="%(message)s")

    async def on_startup(self, app: web.Application) -> None:
        """Print its URL."""
        me, here = shlex.quote(_user()), socket.gethostname()
        limit = "" if self._key else ", to look only (--writable lifts that)"
        echo(
            f"Open {self.address} in a browser here{limit}. From another machine, first: "
            f"ssh -L {self.port}:{HOST}:{self.port} {me}@{here}\nCtrl-C ends it; runs go on."
        )

    async def handle_index(self, request: web.Request) -> web.StreamResponse:
        """The page; its links use the host that the browser requested, such as a tunnel's."""
        there = copy.copy(self)
        there.public_url = f"http://{request.host}"
        response: web.StreamResponse = await Server.handle_index(there, request)
        response.headers["Content-Security-Policy"] = (
            f"default-src 'self' 'unsafe-inline' data:; connect-src 'self' ws://{request.host}"
        )
        if self._key:
            cookie = {"httponly": True, "samesite": "Strict"}
            response.set_cookie(self._cookie, self._key, **cookie)  # type: ignore[arg-type]
        return response

    async def handle_websocket(self, request: web.Request) -> web.StreamResponse:  # type: ignore[override]
        """Draw a page until its browser leaves."""
        if self._pages >= MOST_PAGES:
            raise web.HTTPServiceUnavailable(text=f"{MOST_PAGES} pages are open: close one first.")
        self._pages += 1
        try:
            response: web.StreamResponse = await super().handle_websocket(request)
            return response
        finally:
            self._pages -= 1

    async def _make_app(self) -> web.Application:
        app: web.Application = await super()._make_app()
        app.middlewares.append(self._guard)
        return app

    @property
    def _cookie(self) -> str:
        return f"genre-tui-{self.port}"  # cookies are shared by all ports

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse requests that do not come from a page of this server."""
        origin = request.headers.get("Origin", f"http://{request.host}")
        if request.url.host not in _NAMES or origin != f"http://{request.host}":
            raise web.HTTPForbidden(text="This page is for browsers on its own machine.")
        given = request.query.get("key") or request.cookies.get(self._cookie, "")
        if self._key and not hmac.compare_digest(given.encode(), self._key.encode()):
            raise web.HTTPForbidden(text="Open the address that genre-tui --serve printed.")
        return await handler(request)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as in containers
        return str(os.getuid())


def serve(session: AppSession, port: int, theme: str, *, writable: bool) -> None:
    """Serve on this machine until Ctrl-C.

    If `writable`, runs may be started, stopped and removed from the browser; the address has a
    key then, against other users of the machine.

    Raises:
        RunError: the port is in use.
    """
    _check_free(port)
    words = command(session, theme, writable=writable)
    LocalServer(words, port, secrets.token_urlsafe(16) if writable else "").serve()


def _check_free(port: int) -> None:
    """Raise RunError where the port is in use, before its URL is printed."""
    try:
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            tried.bind((HOST, port))
    except OSError as error:
        raise RunError(
            f"nothing can listen at port {port} of {HOST} ({error.strerror}): choose another "
            "with --port."
        ) from error


def command(session: AppSession, theme: str, *, writable: bool) -> list[str]:
    """The command line of the subprocess that draws a page."""
    words = [sys.executable, "-m", "genre_tui", "--served", "--runs", _absolute(session.runs)]
    words += ["--refresh", f"{session.refresh:g}", "--theme", "dark" if theme == "auto" else theme]
    if session.data is not None:
        is_file = session.data.endswith(".h5")
        words += ["--data", _absolute(Path(session.data)) if is_file else session.data]
    if not writable or session.read_only:
        words.append("--read-only")
    if session.run is not None:
        words += ["--", _absolute(session.run.path)]
    return words


def _absolute(path: Path) -> str:
    return str(path.absolute())
