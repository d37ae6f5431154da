"""The passage from the thread that reads a feed to the one that writes it: pages in chunks, in order and bounded."""

import queue
import threading
from contextlib import suppress

from cht_sync.copy.reading.page import End

#: Chunks that wait to be written: with page.CHUNK they bound the memory held, however large database or document are.
AHEAD = 16

#: Pages on their way at once: one that loads, one that is read.
PAGES = 2

#: Seconds that either thread waits before it looks whether it is stopped, or has something to report.
PUT, TAKE = 0.2, 1.0

Item = bytes | End | Exception


class Passage:
    """Of each page its chunks, then its end. The reader calls `enter`, `put`, `end`; the writer `take`, `leave`.

    Once `stopped` is set the reader waits no more, and nothing is passed on.
    """

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._items: queue.Queue[Item] = queue.Queue(AHEAD)
        self._free = threading.Semaphore(PAGES)
        self._inside = False

    def enter(self) -> None:
        """Waits until another page may be on its way; at once where the one that entered last has not ended."""
        while not self._inside and not self.stopped.is_set():
            self._inside = self._free.acquire(timeout=PUT)

    def put(self, item: Item) -> None:
        """Waits until there is room."""
        while not self.stopped.is_set():
            try:
                return self._items.put(item, timeout=PUT)
            except queue.Full:
                continue
        return None

    def end(self, end: End) -> None:
        """The page that has entered is handed over whole."""
        self.put(end)
        self._inside = False

    def take(self) -> Item | None:
        """The next of it; None where nothing has come within a second. What was put as an error is not raised here."""
        with suppress(queue.Empty):
            return self._items.get(timeout=TAKE)
        return None

    def leave(self) -> None:
        """A page is written: another may enter."""
        self._free.release()
