"""One contender on one shape under pytest-benchmark: right first, then timed, a peer also in turns with ours."""

from statistics import median

import cases
import measure
import peers
import pytest

import fastconv


def run(benchmark, shape, direction, contender):
    threads = fastconv.get_num_threads()
    case = cases.Case(shape, direction)
    ours = cases.ours(case)
    assert case.error(ours()) <= case.tolerance
    call = ours
    if contender != "ours":
        call = peers.installed([contender])[contender].prepare(case, threads)
        if call is None:
            pytest.skip(f"{contender} cannot do this")
        assert case.error(call()) <= measure.SLACK * case.tolerance
        times = measure.alternate({"ours": ours, "peer": call}, seconds=0.5)
        pairs = zip(times["peer"], times["ours"], strict=False)
        benchmark.extra_info["peer's time / ours, paired"] = median(peer / mine for peer, mine in pairs)
    benchmark.group = f"{shape.name}, {direction}, {threads} threads"
    benchmark(call)
