"""Results of jobs, made ahead by threads or processes and given in the order of the jobs."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

__all__ = ["made_ahead"]


class Maker(Protocol):
    """What makes the result of a job."""

    def make(self, job: Any, /) -> Any:
        """The result; the same for the same job."""


def made_ahead(maker: Maker, jobs: Iterable[Any], workers: int, processes: bool) -> Iterator[Any]:
    """maker.make(job) of each job, in order; at most workers + 1 results are made or wait at a time.

    However the iterator ends, nothing is left: jobs that wait are dropped, and the workers end before it does.
    """
    if workers == 0:
        yield from map(maker.make, jobs)
        return
    pool, make = process_pool(maker, workers) if processes else thread_pool(maker, workers)
    waiting: deque[Any] = deque()
    try:
        for job in jobs:
            waiting.append(pool.submit(make, job))
            if len(waiting) > workers:
                yield result(waiting.popleft())
        while waiting:
            yield result(waiting.popleft())
    finally:
        waiting.clear()
        pool.shutdown(wait=True, cancel_futures=True)


def result(future: Any) -> Any:
    """What a worker made; its error, if it raised one; RuntimeError if the worker itself has died."""
    from concurrent.futures import BrokenExecutor

    try:
        return future.result()
    except BrokenExecutor as error:
        raise RuntimeError(
            "a process that makes batches has ended: a script needs if __name__ == '__main__': around what it runs; "
            "else the memory may not suffice: write fewer workers, or processes=False"
        ) from error


def thread_pool(maker: Maker, workers: int) -> tuple[Any, Any]:
    """(pool, the function that makes a result in it)"""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(workers, "fastconv-loader"), maker.make


def process_pool(maker: Maker, workers: int) -> tuple[Any, Any]:
    """The same with processes. They are spawned: a fork copies locks that other threads hold."""
    import multiprocessing
    import pickle
    from concurrent.futures import ProcessPoolExecutor

    try:
        content = pickle.dumps(maker, pickle.HIGHEST_PROTOCOL)
    except Exception as error:  # an object can raise anything when it is pickled
        raise TypeError(
            f"processes=True needs a data set and transforms that can be pickled: {error}; "
            "write functions at the top of a module, not lambdas; or processes=False"
        ) from error
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, initializer=receive, initargs=(content,)), make_in_process


MAKERS: list[Maker] = []  # in a process that makes batches: its maker


def receive(content: bytes) -> None:
    """Once in each process: take the maker, and leave Ctrl-C to the process that waits for results."""
    import pickle
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    MAKERS[:] = [pickle.loads(content)]


def make_in_process(job: Any) -> Any:
    """The result of a job, by the maker of this process."""
    return MAKERS[0].make(job)
