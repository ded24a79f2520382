"""Ranks that are threads of one process, in place of those of MPI: the same methods, and sums in the order of ranks."""

import threading

import numpy as np

PATIENCE = 60  # seconds after which a rank that waits in vain fails


class World:
    """What `size` threads share."""

    def __init__(self, size):
        self.size, self.slots = size, [None] * size
        self.barrier = threading.Barrier(size, timeout=PATIENCE)


class ThreadRanks:
    """One rank, as `fastconv.executor.Ranks` describes it."""

    def __init__(self, world, rank, synchronise=False, bucket_bytes=1 << 10, wire=None):
        self.world, self.rank, self.size = world, rank, world.size
        self.place, self.synchronise, self.bucket_bytes = f"thread {rank}", synchronise, bucket_bytes
        self.wire = wire
        self.begun = []
        self.sums, self.calls = 0, []

    def objects(self, own):
        """Everybody writes, then everybody reads."""
        self.world.slots[self.rank] = own
        self.world.barrier.wait()
        found = list(self.world.slots)
        self.world.barrier.wait()
        return found

    def rows(self, own):
        return np.concatenate(self.objects(own.copy()))

    def from_first(self, own):
        return self.objects(own)[0]

    def overwrite(self, array):
        np.copyto(array, self.objects(array.copy())[0])

    def begin_sum(self, vector):
        self.begun.append(vector)
        self.sums += 1
        self.calls.append("begin")

    def progress(self):
        self.calls.append("progress")

    def finish_sums(self):
        for vector in self.begun:
            parts = self.objects(vector.copy())
            total = parts[0]
            for part in parts[1:]:
                total = total + part
            np.copyto(vector, total)
        self.begun = []
        self.calls.append("finish")

    def exchange(self, parts, sizes):
        found = [theirs[self.rank] for theirs in self.objects([part.copy() for part in parts])]
        assert [len(part) for part in found] == list(sizes)
        return found

    def join(self, vector, bounds):
        first, stop = bounds[self.rank], bounds[self.rank + 1]
        np.copyto(vector, np.concatenate(self.objects(vector[first:stop].copy())))

    def threads(self):
        return None

    def abort(self, error):
        self.world.barrier.abort()


def together(size, work, **settings):
    """[work(ranks) of each rank], each on a thread of its own; the first error of a rank is raised here."""
    world, results, errors = World(size), [None] * size, []

    def run(rank):
        try:
            results[rank] = work(ThreadRanks(world, rank, **settings))
        except BaseException as error:
            errors.append((isinstance(error, threading.BrokenBarrierError), rank, error))
            world.barrier.abort()

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise min(errors, key=lambda each: each[:2])[2]
    return results
