"""A clock that stands still while this process does, stopped by Ctrl-Z or frozen with its machine, and an alarm on it.

A limit of time is for student code, and code that was stopped together with its grader has used none of it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

GAP = 1.0  # seconds without a look at the clock, beyond which the process must have stood still


class Clock:
    """Counts seconds, but those in which its own thread, which looks at it all the time, could not run."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen = time.monotonic()
        self._lost = 0.0
        threading.Thread(target=self._look, name="awake", daemon=True).start()

    def now(self) -> float:
        """Return the seconds since an arbitrary moment."""
        with self._lock:
            now = time.monotonic()
            if now - self._seen > GAP:
                self._lost += now - self._seen
            self._seen = now
            return now - self._lost

    def _look(self) -> None:
        while True:
            self.now()
            time.sleep(GAP / 5)


now = Clock().now


class Alarm:
    """A thread that calls `expire` when the time that was set is over: it works alike on every system."""

    def __init__(self, expire: Callable[[], None]) -> None:
        self._expire = expire
        self._when: float | None = None
        self._changed = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def set(self, seconds: float) -> float | None:
        """Set the alarm, never later than it was, and return what it was: a callback may call in turn."""
        outer, when = self._when, now() + seconds
        self._when = when if outer is None else min(outer, when)
        return outer

    def reset(self, when: float | None) -> None:
        """Set the alarm back to what `set` returned."""
        self._when = when

    def stop(self) -> None:
        """End the thread, and wait until it has ended."""
        self._stopped = True
        self._changed.set()
        self._thread.join()

    def _run(self) -> None:
        # Looking ten times a second costs nothing and spares the calls, of which there are thousands, a lock.
        while not self._stopped:
            when = self._when
            if when is not None and now() > when:
                self._expire()
                return
            self._changed.wait(0.1)
