"""Base of the threads that read run directories again and again."""

from __future__ import annotations

import threading


class Poller:
    """Calls `poll` in a daemon thread, every `refresh` seconds, until it is stopped."""

    def __init__(self, name: str, refresh: float) -> None:
        self._refresh = refresh
        self._woken = threading.Event()
        self._has_ended = False
        self._thread = threading.Thread(target=self._run, daemon=True, name=name)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop it; returns at once."""
        self._has_ended = True
        self._woken.set()

    def poll(self) -> None:
        """Read what is new, and send it."""
        raise NotImplementedError

    def _run(self) -> None:
        while not self._has_ended:
            self.poll()
            self._woken.wait(self._refresh)
