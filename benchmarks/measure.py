"""Right first, then timed: ours and the peers take turns in one process, and only ratios of one round are compared."""

import time
from statistics import median

import cases
import numpy as np
import probe
import traffic

import fastconv

BLOCK = 5e-3  # seconds of repeated short calls that count as one time
REST = 0.01  # seconds before a turn, and as often again as threads of the one before still spin
SPINNING, LONGEST = 0.2, 20  # share of a rest that the process computes though nobody calls it; rests at most
SLOW, FEW_ROUNDS = 8, 3
SLACK = 10
COPY = "copy"  # the traffic of ours without its arithmetic, which takes its turns like a peer


def seconds_of(call, repeats):
    """Seconds per call, after a rest and a call that is not timed."""
    rest()
    call()  # wakes this one's threads, and finds its data
    begun = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - begun) / repeats


def rest():
    """Sleep until no thread of this process spins any more: ONNX Runtime's do for 40 ms after a call."""
    for _ in range(LONGEST):
        before = time.process_time()
        time.sleep(REST)
        if time.process_time() - before < SPINNING * REST:
            return


def alternate(calls, seconds, at_least=5, at_most=300, block=BLOCK, least=1):
    """name -> list of seconds, one a round; in every round each call has its turn, the first one changing.

    A turn is as many calls as take `block` seconds, at least `least`, after a rest and a call that is not timed.
    Peers that are SLOW times the fastest call have a turn in the first rounds only: they cannot be the best.
    """
    first = {name: min(seconds_of(call, 1) for _ in range(2)) for name, call in calls.items()}
    repeats = {name: max(least, min(1000, int(block / max(t, 1e-7)))) for name, t in first.items()}
    names = [name for name in calls if name == "ours" or first[name] < SLOW * min(first.values())]
    few = [name for name in calls if name not in names]
    one_round = sum((repeats[name] + 1) * first[name] + REST for name in names)
    rounds = max(at_least, min(at_most, int(seconds / one_round)))
    times = {name: [] for name in calls}
    for turn in range(rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift] + (few if turn < FEW_ROUNDS else []):
            times[name].append(seconds_of(calls[name], repeats[name]))
    return times


def row(shape, direction, dtype, threads, peers, seconds, packed=False):
    """What one line of the report shows; `status` is "ok", "wrong" (never timed), "missing" or "failed"."""
    result = {"shape": shape.name, "family": shape.family, "direction": direction, "dtype": dtype}
    result |= {"threads": threads, "packed": packed, "layout": shape.layout, "group": shape.group}
    case = cases.Case(shape, direction, dtype)
    try:
        ours = cases.ours(case, packed)
        error = case.error(ours())
    except AttributeError as missing:
        return result | {"status": "missing", "why": str(missing)}
    except Exception as failed:  # the other lines are still worth having
        return result | {"status": "failed", "why": f"{type(failed).__name__}: {failed}"}
    result |= {"error": error, "tolerance": case.tolerance}
    if not error <= case.tolerance:  # a NaN too
        return result | {"status": "wrong"}
    right, result["wrong_peers"], result["failed_peers"] = right_peers(shape, case, peers, threads, packed)
    calls = {"ours": ours} | right
    if copy := traffic.copy_of(case, ours, threads):
        calls[COPY] = copy
    limits = peaks(threads, dtype)
    times = alternate(calls, seconds)
    return result | {"status": "ok"} | summary(shape, direction, np.dtype(dtype).itemsize, times, limits)


def right_peers(shape, case, peers, threads, packed):
    """name -> call of the peers that count and are right; name -> error of the wrong ones; name -> why of the failed.

    A peer may be SLACK times less exact than we must be: long float32 sums in plain order do not make it wrong.
    """
    right, wrong, failed = {}, {}, {}
    for name, peer in peers.items():
        if not name.startswith(shape.against) or (peer.packs and not packed):
            continue
        try:
            call = peer.prepare(case, threads)
            error = call and case.error(call())
        except Exception as why:
            failed[name] = f"{type(why).__name__}: {why}"
            continue
        if call and error <= SLACK * case.tolerance:
            right[name] = call
        elif call:
            wrong[name] = error
    return right, wrong, failed


def summary(shape, direction, itemsize, times, limits):
    """Medians, ratios of paired times, and how near ours and the best peer come to the limit that was measured."""
    middle = {name: median(values) for name, values in times.items()}
    ratios = {
        name: median(p / o for p, o in zip(values, times["ours"], strict=False))  # as many rounds as the peer had
        for name, values in times.items()
        if name != "ours"
    }
    copied = ratios.pop(COPY, None)
    best = min(ratios, key=middle.get) if ratios else None
    if shape.memory_bound:
        amount, limit = shape.touched(direction, itemsize), limits["stream_GB/s"]
    else:
        amount, limit = shape.flops, limits["fma_GFLOP/s"]
    rate = {name: amount / t / 1e9 for name, t in middle.items()}
    return {
        "seconds": middle,
        "rounds": len(times["ours"]),
        "ratios": ratios,
        "best_peer": best,
        "ratio": ratios.get(best),
        "unit": "GB/s" if shape.memory_bound else "GFLOP/s",
        "rate": rate["ours"],
        "peer_rate": rate.get(best),
        "percent": 100 * copied if copied else limit and 100 * rate["ours"] / limit,
        "peer_percent": limit and best and 100 * rate[best] / limit,
        **limits,
    }


def peaks(threads, dtype, seconds=0.05):
    """The limits probed now: machines differ and drift. None where the probe cannot be built."""
    try:
        probed = probe.load(dtype)
    except ImportError:
        return {"fma_GFLOP/s": None, "stream_GB/s": None}
    x = np.ones(25_690_112 // np.dtype(dtype).itemsize, dtype)  # 25.7 MB, a tensor (32, 64, 56, 56)
    y = np.zeros_like(x)
    took = min(timed_stream(probed, x, y, threads) for _ in range(5))
    return {"fma_GFLOP/s": probed.fma_gflops(seconds, threads), "stream_GB/s": 2 * x.nbytes / took / 1e9}


def timed_stream(probed, x, y, threads):
    """Seconds that one copy of x to y takes."""
    begun = time.perf_counter()
    probed.stream(x, y, threads)
    return time.perf_counter() - begun


def set_threads(threads):
    """Ours runs on so many threads."""
    fastconv.set_num_threads(threads)
