"""The micro-kernel from cached operands, in percent of the multiply-add peak probed in the same run.

python benchmarks/tile.py            the build picked for this processor
FASTCONV_ISA=v3 python benchmarks/tile.py
"""

from statistics import median

import probe

from fastconv import kernels

ROUNDS = 9


def share(probed, transposed):
    """The median of paired ratios: tile, then peak, alternating."""
    ratios = []
    for _ in range(ROUNDS):
        tile = probed.tile_gflops(0.02, transposed)
        ratios.append(tile / probed.fma_gflops(0.02))
    return 100 * median(ratios)


def main():
    """One line for each dtype."""
    for dtype in ("float32", "float64"):
        probed = probe.load(dtype)
        forward, weight = share(probed, False), share(probed, True)
        print(f"{kernels.build} {dtype}: forward {forward:.0f} %, weight gradient {weight:.0f} % of the FMA peak")


if __name__ == "__main__":
    main()
