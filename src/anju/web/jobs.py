"""Work that takes longer than a page waits: started, watched, stopped, and gone with its process.

What a job does it does in one transaction or into one file: stopped in the middle, nothing of it is left.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import structlog
from uuid_utils.compat import uuid7

from anju.errors import AnjuError, BackupError, Conflict, NotFound, Refused
from anju.web.context import Caller, Services

KEPT = 50  # ended jobs remembered
_log = structlog.get_logger(__name__)


class JobState(StrEnum):
    """How far a job came."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(slots=True)
class Job:
    """One piece of work of one account. ``total`` is 0 where nobody knows it beforehand."""

    kind: str
    account_id: str
    started_at: datetime
    id: str = field(default_factory=lambda: str(uuid7()))
    state: JobState = JobState.RUNNING
    step: str = ""
    done: int = 0
    total: int = 0
    result: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    message: str = ""
    ended_at: datetime | None = None

    def told(self, step: str, done: int, total: int) -> None:
        """Take in how far the work is."""
        self.step, self.done, self.total = step, done, total

    def body(self) -> dict[str, Any]:
        """Return it as the console sees it."""
        names = ("id", "kind", "state", "step", "done", "total", "result", "code", "message")
        return {name: getattr(self, name) for name in names} | {
            "started_at": self.started_at,
            "ended_at": self.ended_at,
        }


Work = Callable[[Job], Coroutine[Any, Any, dict[str, Any]]]
"""Does it and returns the result."""


class Jobs:
    """The jobs of this process: one of each kind at a time."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._jobs: dict[str, Job] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def start(self, kind: str, account_id: str, work: Work) -> Job:
        """Begin ``work``. Raises Conflict while another of its kind runs."""
        if any(each.kind == kind and each.state is JobState.RUNNING for each in self._jobs.values()):
            raise Conflict("busy", "another one is running: wait for its end or stop it")
        job = Job(kind, account_id, self._clock())
        self._jobs[job.id] = job
        for old in [key for key, each in self._jobs.items() if each.ended_at][:-KEPT]:
            del self._jobs[old]
        self._tasks[job.id] = task = asyncio.create_task(self._run(job, work))
        task.add_done_callback(lambda _: self._tasks.pop(job.id, None))
        return job

    def of(self, account_id: str, kind: str = "") -> list[Job]:
        """Return the jobs of an account, newest first."""
        found = [each for each in self._jobs.values() if each.account_id == account_id and kind in {"", each.kind}]
        return found[::-1]

    def find(self, account_id: str, job_id: str) -> Job:
        """Return a job of that account. Raises NotFound: it was another's, or ended with its process."""
        job = self._jobs.get(job_id)
        if job is None or job.account_id != account_id:
            raise NotFound("no_job", "there is no such job: if its process ended, nothing of it was kept")
        return job

    async def wait(self, account_id: str, job_id: str, seconds: float) -> Job:
        """Return a job once it has ended, or after ``seconds``. Raises NotFound."""
        job = self.find(account_id, job_id)
        if task := self._tasks.get(job_id):
            await asyncio.wait([task], timeout=seconds)
        return job

    async def cancel(self, account_id: str, job_id: str) -> Job:
        """Stop a job; nothing of it is kept. A job that has ended stays as it is."""
        job = self.find(account_id, job_id)
        if task := self._tasks.get(job_id):
            task.cancel()
            await asyncio.wait([task])
        return job

    async def _run(self, job: Job, work: Work) -> None:
        try:
            job.result = await work(job)
            job.state = JobState.DONE
        except asyncio.CancelledError:
            job.state = JobState.CANCELLED
        except Exception as error:  # noqa: BLE001 - whatever ends a job is told to who waits for it
            job.state, job.message = JobState.FAILED, str(error)
            job.code = error.code if isinstance(error, Refused | BackupError) else "failed"
            if not isinstance(error, AnjuError):
                _log.exception("job failed", kind=job.kind)
                job.message = "something went wrong here; it was written to the program's log"
        job.ended_at = self._clock()


def jobs(here: Services) -> Jobs:
    """Return this process's jobs; made on first use."""
    found = here.more.get("jobs")
    if not isinstance(found, Jobs):
        found = here.more["jobs"] = Jobs(here.clock)
    return found


def start(here: Services, me: Caller, kind: str, work: Work) -> dict[str, Any]:
    """Begin ``work`` for the caller and return the job's JSON."""
    return jobs(here).start(kind, me.principal.id, work).body()
