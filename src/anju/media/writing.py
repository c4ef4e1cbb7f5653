"""Writer threads: what blocks on a disk is done here, in order for each camera, with a bound on what may wait.

Each volume has threads of its own: a disk that hangs holds up its own cameras and no others.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue

import structlog

Job = Callable[[], None]
"""Does one thing; whatever can fail it handles itself."""
MOST_BYTES = 128 * 1024 * 1024  # waiting for one thread
_log = structlog.get_logger(__name__)


class WriterThread:
    """Runs jobs one after the other."""

    def __init__(self, name: str, *, most_bytes: int = MOST_BYTES) -> None:
        self._queue: SimpleQueue[tuple[Job | None, int]] = SimpleQueue()
        self._lock, self._waiting, self._most = threading.Lock(), 0, most_bytes
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Return the bytes that wait."""
        return self._waiting

    def put(self, job: Job, size: int = 0) -> bool:
        """Let ``job`` run after those before it; return False, and do nothing, where too many bytes wait already."""
        with self._lock:
            if size and self._waiting + size > self._most:
                return False
            self._waiting += size
        self._queue.put((job, size))
        return True

    def close(self, within_s: float) -> bool:
        """Do what waits and end; return whether all was done in time."""
        self._queue.put((None, 0))
        self._thread.join(within_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            job, size = self._queue.get()
            if job is None:
                return
            try:
                job()
            except Exception:  # noqa: BLE001 - one job must not end the others'
                _log.exception("a job of a writer failed")
            with self._lock:
                self._waiting -= size


class Writers:
    """The threads of all volumes; those of a volume are made when it is first written to."""

    def __init__(self, *, threads: int = 2, most_bytes: int = MOST_BYTES) -> None:
        self._count, self._most = threads, most_bytes
        self._threads: dict[tuple[int, int], WriterThread] = {}

    def of(self, volume: int, channel_id: str) -> WriterThread:
        """Return the thread that writes a camera on a volume: always the same."""
        key = (volume, hash(channel_id) % self._count)
        if key not in self._threads:
            self._threads[key] = WriterThread(f"record-{key[0]}-{key[1]}", most_bytes=self._most)
        return self._threads[key]

    @property
    def waiting(self) -> int:
        """Return the bytes that wait for disks."""
        return sum(each.waiting for each in self._threads.values())

    def close(self, within_s: float) -> bool:
        """End all threads; return whether everything that waited was done."""
        done = [each.close(within_s) for each in self._threads.values()]
        return all(done)
