"""Every shape, ours and each peer, under pytest-benchmark: right first, then timed, a peer also in turns with ours.

pytest benchmarks/ -k conv                      one family
pytest benchmarks/ -k "zhang and forward"       by name of the shape and direction
"""

from statistics import median

import cases
import measure
import peers
import pytest
from shapes import SHAPES

import fastconv


def lines():
    """Every shape and direction, with ours and each installed peer that takes raw weights."""
    names = ["ours", *(name for name, peer in peers.installed().items() if not peer.packs)]
    for shape in SHAPES:
        for direction in shape.targets:
            for name in names:
                if name == "ours" or name.startswith(shape.against):
                    label = f"{shape.family}-{shape.name}-{direction}-{name}".replace(" ", "_")
                    yield pytest.param(shape, direction, name, id=label)


@pytest.mark.parametrize(("shape", "direction", "contender"), list(lines()))
def test_shape(benchmark, shape, direction, contender):
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
