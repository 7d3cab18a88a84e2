"""Many builds waited for at once, against a server that serves 100 requests at a time.

A discrete-event simulation: one heap of wake-up times, one virtual clock for all. A peer's policy
is a generator that yields pauses; the project's own wait is blocking code, so each runs in a
thread, and exactly one thread runs at any moment: whoever the clock has come to.
"""

import heapq
import os
import threading
from collections.abc import Generator, Iterator, Sequence
from itertools import count
from multiprocessing import Pool
from random import Random
from statistics import fmean
from typing import Any

from bench import virtual
from bench.policies import PEERS, Delay
from bench.polling import OWN, log_uniform, percentile
from twilio_build_wait.results import BUILDING, COMPLETED, Fault, Reading

#: The number of builds waited for at once.
SIZES = (1, 10, 100, 1000)
#: Waits looked at for each size, in as many crowds as that takes.
WAITS = 2000
#: Requests that the server works on at the same time; one more is answered with 429.
CAPACITY = 100
#: Seconds that the server works on a request, drawn between these; and that a 429 takes.
WORK = (0.1, 0.3)
REFUSAL = 0.02

#: As the project's own status client describes a 429 without Retry-After, which Twilio does not
#: promise.
_TOO_MANY = Fault("HTTP 429 from serverless.twilio.com (Twilio error 20429)")

#: Yields pauses in seconds; returns the number of requests made.
_Waiter = Generator[float, None, int]


class Server:
    """The server's doors: who is inside, and how often it was full."""

    def __init__(self, random: Random, capacity: int) -> None:
        """Take the randomness of the time that work takes, and how many requests fit inside."""
        self._random = random
        self._capacity = capacity
        self._inside = 0
        self.refused = 0
        self.requests = 0

    def request(self) -> Generator[float, None, bool]:
        """Be asked once; yields the time it takes, returns whether there was an answer."""
        self.requests += 1
        if self._inside >= self._capacity:
            self.refused += 1
            yield REFUSAL
            return False
        self._inside += 1
        yield self._random.uniform(*WORK)
        self._inside -= 1
        return True


class World:
    """The clock and all who wait for it."""

    def __init__(self) -> None:
        """Begin at 0 s."""
        self.now = 0.0

    def run(self, waiters: list[_Waiter]) -> list[float]:
        """Run all, begun in the same moment, to their ends; return when each ended, in seconds."""
        order = count()
        due = [(0.0, next(order), at) for at in range(len(waiters))]
        ended = [0.0] * len(waiters)
        while due:
            self.now, _, at = heapq.heappop(due)
            try:
                pause = next(waiters[at])
            except StopIteration:
                ended[at] = self.now
            else:
                heapq.heappush(due, (self.now + pause, next(order), at))
        return ended


def _peer(world: World, server: Server, delay: Delay, build_time: float, random: Random) -> _Waiter:
    reads = 0
    while True:
        asked = yield from server.request()
        reads += 1
        if asked and world.now >= build_time:
            return reads
        yield delay(reads, world.now, random)


class _Baton:
    """Lets a thread run only while the world waits for it, so that there is one clock for all."""

    def __init__(self) -> None:
        self._world = threading.Semaphore(0)
        self._thread = threading.Semaphore(0)
        self._pause = 0.0
        self._failure: BaseException | None = None
        self._reads = 0

    def sleep(self, seconds: float) -> None:
        """Be called by the thread: hand over to the world until the time has come."""
        self._pause = seconds
        self._world.release()
        self._thread.acquire()

    def carry(self, build_time: float, world: World, server: Server, random: Random) -> _Waiter:
        """Run the project's own wait in a thread, and yield its pauses."""

        def read_once(_limit: float) -> Reading | Fault:
            if not self._through(server.request()):
                return _TOO_MANY
            return Reading(COMPLETED if world.now >= build_time else BUILDING)

        def body() -> None:
            self._thread.acquire()
            try:
                self._reads = virtual.wait(
                    read_once, lambda: world.now, self.sleep, random, virtual.limits()
                )
            except BaseException as failure:  # noqa: BLE001 (raised again below, in the world)
                self._failure = failure
            self._pause = -1.0
            self._world.release()

        thread = threading.Thread(target=body, daemon=True)
        thread.start()
        yield from self._pauses()
        thread.join()
        if self._failure is not None:
            raise self._failure
        return self._reads

    def _pauses(self) -> Iterator[float]:
        while True:
            self._thread.release()
            self._world.acquire()
            if self._pause < 0.0:
                return
            yield self._pause

    def _through(self, request: Generator[float, None, bool]) -> bool:
        while True:
            try:
                self.sleep(next(request))
            except StopIteration as end:
                return bool(end.value)


def crowd(
    policy: str, build_times: Sequence[float], seed: str, capacity: int = CAPACITY
) -> dict[str, Any]:
    """Wait for builds of these many seconds, all at once, by one policy.

    Returns the requests, those `refused` among them, and the `lags` in seconds.
    """
    random = Random(seed)  # noqa: S311 (a simulation has no secrets)
    world, server = World(), Server(random, capacity)
    if policy == OWN:
        waiters = [_Baton().carry(time, world, server, random) for time in build_times]
    else:
        delay = next(peer.delay for peer in PEERS if peer.name == policy)
        waiters = [_peer(world, server, delay, time, random) for time in build_times]
    ended = world.run(waiters)
    return {
        "refused": server.refused,
        "requests": server.requests,
        "lags": [end - time for end, time in zip(ended, build_times, strict=True)],
    }


def summary(crowds: list[dict[str, Any]]) -> dict[str, float]:
    """Return requests and 429s for each build, the share refused, and the lag in seconds."""
    lags = [lag for one in crowds for lag in one["lags"]]
    requests, refused = (sum(one[key] for one in crowds) for key in ("requests", "refused"))
    return {
        "waits": len(lags),
        "requests": requests / len(lags),
        "refused": refused / len(lags),
        "refused_share": refused / requests,
        "mean_lag": fmean(lags),
        "p95_lag": percentile(lags, 0.95),
    }


def measure(seed: int) -> dict[str, Any]:
    """Run every policy in crowds of every size, and return the data of the page."""
    names = (OWN, *(peer.name for peer in PEERS))
    # The same builds for every policy and every size, so that nothing but those two differs.
    times = log_uniform(WAITS, seed)
    Random(seed).shuffle(times)  # noqa: S311 (a simulation has no secrets)
    with Pool(2 * (os.cpu_count() or 1)) as pool:
        jobs = {
            (name, size): [
                pool.apply_async(crowd, (name, times[at : at + size], f"{size} {seed} {at}"))
                for at in range(0, WAITS, size)
            ]
            for name in names
            for size in reversed(SIZES)
        }
        done = {key: summary([job.get() for job in some]) for key, some in jobs.items()}
    return {
        "seed": seed,
        "waits": WAITS,
        "capacity": CAPACITY,
        "work": list(WORK),
        "policies": {name: {str(size): done[name, size] for size in SIZES} for name in names},
    }
