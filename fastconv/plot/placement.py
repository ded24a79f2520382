"""Where boxes stand: rows by the longest way from the input, then an order with few crossings, then places.

An edge over several rows has a stop in each row between, which takes part in the order and keeps the way free.
After Sugiyama, Tagawa, Toda: Methods for Visual Understanding of Hierarchical System Structures. IEEE Transactions on
Systems, Man, and Cybernetics 11(2), 1981.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

SWEEPS = 12
BOX, STOP = 1.0, 0.2  # widths


class Placed(NamedTuple):
    """`rows` of points from the left to the right; `x` of each point; `ways`: the points of each edge (source, target).

    The points 0 to n - 1 are the boxes; those from n on are stops of edges.
    """

    rows: list[list[int]]
    x: list[float]
    ways: dict[tuple[int, int], list[int]]


def placed(inputs: Sequence[Sequence[int]]) -> Placed:
    """Places for boxes, of which each lists those before it."""
    row: list[int] = []
    for sources in inputs:
        row.append(1 + max((row[source] for source in sources), default=-1))
    rows: list[list[int]] = [[] for _ in range(1 + max(row))]
    for box, number in enumerate(row):
        rows[number].append(box)
    ways, count = {}, len(inputs)
    above: list[list[int]] = [[] for _ in inputs]
    for target, sources in enumerate(inputs):
        for source in sources:
            stops = list(range(count, count + row[target] - row[source] - 1))
            count += len(stops)
            way = [source, *stops, target]
            ways[source, target] = way
            above += [[] for _ in stops]
            for number, stop in enumerate(stops, row[source] + 1):
                rows[number].append(stop)
            for before, after in pairwise(way):
                above[after].append(before)
    below: list[list[int]] = [[] for _ in range(count)]
    for after, befores in enumerate(above):
        for before in befores:
            below[before].append(after)
    widths = [BOX] * len(inputs) + [STOP] * (count - len(inputs))
    rows = ordered(rows, above, below)
    return Placed(rows, spaced(rows, above, below, widths), ways)


def ordered(rows: list[list[int]], above: list[list[int]], below: list[list[int]]) -> list[list[int]]:
    """Rows in which each point stands near the mean of its neighbours: the order with the fewest crossings met."""
    best, fewest = rows, crossings(rows, above)
    rows = [list(row) for row in rows]
    for sweep in range(SWEEPS):
        near, order = (above, range(1, len(rows))) if sweep % 2 == 0 else (below, range(len(rows) - 2, -1, -1))
        for number in order:
            place = {point: i for row in rows for i, point in enumerate(row)}
            keys = {
                point: sum(place[each] for each in near[point]) / len(near[point]) if near[point] else place[point]
                for point in rows[number]
            }
            rows[number].sort(key=keys.__getitem__)
        count = crossings(rows, above)
        if count < fewest:
            best, fewest = [list(row) for row in rows], count
    return best


def crossings(rows: list[list[int]], above: list[list[int]]) -> int:
    """How many pairs of edges between neighbouring rows cross."""
    place = {point: i for row in rows for i, point in enumerate(row)}
    total = 0
    for row in rows:
        ends = [place[each] for point in row for each in sorted(above[point], key=place.__getitem__)]
        total += sum(left > right for i, left in enumerate(ends) for right in ends[i + 1 :])
    return total


def spaced(rows: list[list[int]], above: list[list[int]], below: list[list[int]], widths: list[float]) -> list[float]:
    """x of all points: near the mean of the neighbours, boxes before stops, and nowhere closer than the widths."""
    x = [0.0] * len(widths)
    for row in rows:
        put(row, [float(i) for i in range(len(row))], x, widths)
    for sweep in range(SWEEPS):
        near = (above, below)[sweep % 2]
        for row in rows if near is above else reversed(rows):
            wanted = []
            for point in row:
                neighbours = near[point] or [point]
                shares = [widths[each] ** 2 for each in neighbours]
                wanted.append(sum(s * x[each] for s, each in zip(shares, neighbours, strict=True)) / sum(shares))
            put(row, wanted, x, widths)
    left = min(x[point] - widths[point] / 2 for row in rows for point in row)
    return [each - left for each in x]


def put(row: list[int], wanted: list[float], x: list[float], widths: list[float]) -> None:
    """Write the x of a row: the smallest weighted sum of squares (x - wanted)^2 with the order and distances kept.

    With the distances taken off, x must not fall from left to right: neighbours that would are put at their mean
    (isotonic regression, pool adjacent violators).
    """
    offsets = [0.0]
    for a, b in pairwise(row):
        offsets.append(offsets[-1] + (widths[a] + widths[b]) / 2 * 1.12)
    pools: list[list[float]] = []  # (sum of weight * value, weight, points)
    for point, value, offset in zip(row, wanted, offsets, strict=True):
        weight = widths[point] ** 2
        pools.append([weight * (value - offset), weight, 1])
        while len(pools) > 1 and pools[-2][0] / pools[-2][1] > pools[-1][0] / pools[-1][1]:
            last = pools.pop()
            pools[-1] = [a + b for a, b in zip(pools[-1], last, strict=True)]
    means = [pool[0] / pool[1] for pool in pools for _ in range(int(pool[2]))]
    for point, mean, offset in zip(row, means, offsets, strict=True):
        x[point] = mean + offset
