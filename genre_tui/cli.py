"""`genre-tui`: the terminal UI's command line, and all commands of `experiments` and `data`."""

from __future__ import annotations

import asyncio
import gc
import os
import select
import shlex
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from data.errors import DataError
from data.files.user_folders import runs_folder
from data.terminal.commands import BadInput, SentenceCommand, echo, version_option
from experiments.cli.main import ExperimentsGroup
from experiments.errors import RunError
from experiments.runs.directory import RunDirectory
from experiments.runs.listing import LATEST, find
from genre_tui.core.app_session import DEFAULT_REFRESH, AppSession, runs_option

if TYPE_CHECKING:
    from genre_tui.app import GenreTui

HUNG_UP = 128 + signal.SIGHUP  # exit status, as if by the signal
_UNABLE = ("", "dumb", "unknown")  # values of TERM without cursor control
_PORT = 8000
_WORKERS = 8  # threads that read and compute, at most
_EXIT_GRACE = 0.2  # seconds for threads to end
# Thresholds of the garbage collector: a full collection goes through all epochs of a run, which
# delays a key by 0.1 s, so it is made rare.
_GARBAGE = (10_000, 10, 200)


_HELP = {"help_option_names": ["-h", "--help"]}


class _Program(ExperimentsGroup):
    """Commands by their names; what begins with no such name goes to the screens."""

    def list_commands(self, context: click.Context) -> list[str]:
        """Names of all commands, sorted."""
        return sorted(["data", *super().list_commands(context)])

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The command of that name."""
        if name != "data":
            return super().get_command(context, name)
        from data.cli.main import main as data

        return data

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """The context of a command, or that of the screens."""
        if args and args[0] in self.list_commands(click.Context(self)):
            return super().make_context(info_name, args, parent, **extra)
        return screens.make_context(info_name, args, parent, **extra)

    def invoke(self, context: click.Context) -> Any:
        """Run what the context is of."""
        return super().invoke(context) if context.command is self else screens.invoke(context)


main = _Program("genre-tui", context_settings=_HELP)


class _Screens(SentenceCommand):
    bad_input = (DataError, RunError)

    def format_usage(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """How to open the screens, and how to call a command."""
        super().format_usage(context, formatter)
        formatter.write_usage(context.command_path, "COMMAND [ARGS]...", "       ")

    def format_options(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """The options of the screens, and the commands."""
        super().format_options(context, formatter)
        main.format_commands(context, formatter)


@click.command(cls=_Screens, context_settings=_HELP)
@click.argument("run", required=False)
@click.option(
    "--runs",
    type=click.Path(path_type=Path, file_okay=False),
    default=runs_folder,
    show_default="GENRE_TUI_RUNS, else runs",
    help="Folder of all runs.",
)
@click.option("--data", help="Dataset that new runs are offered for (default: yours).")
@click.option("--read-only", is_flag=True, help="Look only: nothing is started or removed.")
@click.option(
    "--refresh",
    type=click.FloatRange(0.1, 60),
    default=DEFAULT_REFRESH,
    show_default=True,
    help="Seconds between two reads of the runs.",
)
@click.option(
    "--theme",
    type=click.Choice(["auto", "dark", "light", "ansi"]),
    default="auto",
    show_default=True,
    help="Colours; ansi: the terminal's own sixteen.",
)
@click.option(
    "--serve", "serves", is_flag=True, help="Show it in a browser, read-only (extra 'serve')."
)
@click.option("--port", type=click.IntRange(1, 65535), help=f"For --serve (default: {_PORT}).")
@click.option("--writable", is_flag=True, help="With --serve: runs may be started, too.")
@click.option("--served", is_flag=True, hidden=True)
@version_option
def screens(
    run: str | None,
    runs: Path,
    data: str | None,
    read_only: bool,
    refresh: float,
    theme: str,
    serves: bool,
    port: int | None,
    writable: bool,
    served: bool,
) -> None:
    """Pick a study, start it, watch it, look at confusion matrices, compare.

    RUN is a folder (./list, where it has the name of a command), a name, the unique
    beginning of a name or id, or latest. Runs are processes of their own: they go on
    when this ends.

    COMMAND does without screens what python -m experiments COMMAND does; data COMMAND
    what python -m data COMMAND does.
    """
    if not serves and (port or writable):
        raise click.UsageError("--port and --writable go with --serve.")
    _check_data(data)
    session = AppSession(runs, data, read_only, refresh, _find(runs, run) if run else None)
    if serves:
        _serve(session, port or _PORT, theme, writable)
    elif served or (reason := _unable()) is None:
        sys.exit(_draw(session, theme, served=served))
    else:
        sys.exit(_watch(session, reason))


def _find(runs: Path, name: str) -> RunDirectory:
    """`listing.find`, which names a command that is spelt alike."""
    try:
        return find(runs, name)
    except RunError as error:
        if not (alike := get_close_matches(name, main.list_commands(click.Context(main)), 1)):
            raise
        raise RunError(f"{error} Did you mean the command {alike[0]}?") from error


def _check_data(name: str | None) -> None:
    """Raise DataError where the dataset does not exist."""
    if name is None:
        return
    from data.storage import catalogue, hdf5

    if name.endswith(".h5"):
        hdf5.summarise(Path(name))
    elif name != catalogue.DEMO:  # made on first use
        catalogue.existing_path(name)


def _unable() -> str | None:
    """Why the screens cannot be drawn here; None where they can."""
    streams = {"input": sys.stdin, "output": sys.stdout, "error": sys.stderr}
    for name, stream in streams.items():
        if stream is None or not stream.isatty():
            return f"standard {name} is no terminal"
    terminal = os.environ.get("TERM", "")
    return f"the terminal cannot draw (TERM={terminal})" if terminal in _UNABLE else None


def _draw(session: AppSession, theme: str, *, served: bool) -> int:
    """Run the application; returns the exit status."""
    gc.set_threshold(*_GARBAGE)
    from genre_tui.app import GenreTui

    end_with_terminal()
    app = GenreTui(session, "run" if session.run else "studies", theme)
    if served:
        from genre_tui.core.page_driver import PageDriver

        app.driver_class = PageDriver
    loop, workers = asyncio.new_event_loop(), ThreadPoolExecutor(_WORKERS)
    loop.set_default_executor(workers)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, partial(app.exit, return_code=128 + number))
    app.run(loop=loop)
    status = app.return_code or 0
    if not app.is_web:
        _print_live_runs(app, session.runs)
    workers.shutdown(wait=False, cancel_futures=True)
    _end_soon(status)
    return status


def end_with_terminal(descriptor: int = 0) -> None:
    """End this process at once when the other side of a descriptor is closed.

    The signal that a lost terminal sends may be ignored (nohup), or not be sent at all
    (a pipe); then reading would find nothing again and again, for ever.
    """
    poll = select.poll()
    poll.register(descriptor, 0)  # no events but hang-ups

    def wait() -> None:
        poll.poll()
        os._exit(HUNG_UP)

    threading.Thread(target=wait, daemon=True, name="hang-up").start()


def _end_soon(status: int) -> None:
    """Exit without threads that are still computing after a short wait."""
    end = time.monotonic() + _EXIT_GRACE
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread():
            thread.join(max(0.0, end - time.monotonic()))
            if thread.is_alive():
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(status)


def _print_live_runs(app: GenreTui, folder: Path) -> None:
    """Print how to watch the runs that have not ended."""
    if not (runs := app.live_runs()):
        return
    begin, end = ("1 run goes", "it") if len(runs) == 1 else (f"{len(runs)} runs go", "them")
    echo(f"{begin} on. Watch {end} with")
    for run in runs:
        words = ["python", "-m", "experiments", "watch", run.path.name, *runs_option(folder)]
        echo(f"  {shlex.join(words)}")


def _watch(session: AppSession, reason: str) -> int:
    """Run `genre-tui watch` instead; returns the exit status."""
    found = session.run or find(session.runs, LATEST)
    about = "it" if session.run else "the newest run"
    echo(f"genre-tui: {reason}; this is {about} as genre-tui watch shows it.", err=True)
    return main(["watch", str(found.path.absolute())], "genre-tui", standalone_mode=False) or 0


def _serve(session: AppSession, port: int, theme: str, writable: bool) -> None:
    try:
        from genre_tui.serve import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("textual_serve", "aiohttp"):
            raise
        raise BadInput(
            "--serve needs the extra 'serve': pip install 'genre-tui[serve]', in the environment "
            "of genre-tui."
        ) from error
    serve(session, port, theme, writable=writable)
