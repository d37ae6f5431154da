"""The passage from the thread that reads a feed to the thread that writes it: a bounded queue of pages in chunks."""

import queue
import threading
from contextlib import suppress

from cht_sync.copy.reading.page import End

#: Chunks that may wait to be written. With page.CHUNK this limits the memory, however large a document is.
AHEAD = 16

#: Pages in the passage at once: one that is written, one that is read.
PAGES = 2

#: Seconds after which a waiting thread looks whether it is stopped (PUT), or has something to report (TAKE).
PUT, TAKE = 0.2, 1.0

Item = bytes | End | Exception


class Passage:
    """Holds the chunks of each page, then its end. The reader calls `enter`, `put`, `end`; the writer `take`, `leave`.

    Once `stopped` is set, the reader no longer waits, and nothing more is put in.
    """

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self._items: queue.Queue[Item] = queue.Queue(AHEAD)
        self._free = threading.Semaphore(PAGES)
        self._inside = False

    def enter(self) -> None:
        """Waits until another page may enter. Returns at once if the page that entered last has not ended."""
        while not self._inside and not self.stopped.is_set():
            self._inside = self._free.acquire(timeout=PUT)

    def put(self, item: Item) -> None:
        """Puts in a chunk, an end or an error, once there is room."""
        while not self.stopped.is_set():
            try:
                return self._items.put(item, timeout=PUT)
            except queue.Full:
                continue
        return None

    def end(self, end: End) -> None:
        """Puts in the end of the page that has entered."""
        self.put(end)
        self._inside = False

    def take(self) -> Item | None:
        """The next item; None if nothing has come within a second. An error that was put in is returned, not raised."""
        with suppress(queue.Empty):
            return self._items.get(timeout=TAKE)
        return None

    def leave(self) -> None:
        """Called when a page is written: another may enter."""
        self._free.release()
