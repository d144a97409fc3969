"""A clock that stands still while this process does: stopped by Ctrl-Z, or frozen with its machine.

A limit of time is for student code, and code that was stopped together with its grader has used none of it.
"""

from __future__ import annotations

import threading
import time

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
