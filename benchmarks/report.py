"""Rows of measurements as lines on the screen, Markdown, JSON and a picture."""

from math import exp, log

from shapes import SHAPES, group_target, target

HEAD = ["shape", "direction", "thr", "error", "ours", "best peer", "its time", "ratio", "goal", "rate", "of limit"]
WIDTHS = [26, 9, 3, 9, 10, 21, 10, 7, 7, 18, 15]
BY_NAME = {shape.name: shape for shape in SHAPES}


def duration(seconds):
    return f"{seconds * 1e6:.1f} us" if seconds < 1e-3 else f"{seconds * 1e3:.2f} ms"


def goal_of(row, isa=""):
    shape = BY_NAME.get(row["shape"])
    if shape and row["group"] == "nchw":
        shape = shape.in_nchw()
    return shape and target(shape, row["direction"], row["dtype"], row["threads"], row["packed"], isa)


def cells(row, isa=""):
    """The texts of one line."""
    start = [row["shape"], row["direction"], str(row["threads"])]
    if row["status"] in ("missing", "failed"):
        return [*start, f"{row['status']}:", row["why"]] + [""] * 6
    error = f"{row['error']:.1e}"
    if row["status"] == "wrong":
        return [*start, f"WRONG {error}", "not timed"] + [""] * 6
    goal, best, ratio = goal_of(row, isa), row["best_peer"], row["ratio"]
    unit = "copy" if "copy" in row["seconds"] else "stream" if row["unit"] == "GB/s" else "FMA"
    rate = f"{row['rate']:.1f} {row['unit']}"
    limit = f"{row['percent']:.0f} % {unit}" if row["percent"] else ""
    its = duration(row["seconds"][best]) if best else ""
    met = "" if goal is None else f"{goal:g}" + ("" if ratio is None else " yes" if ratio >= goal else " no")
    return [*start, error, duration(row["seconds"]["ours"]), best or "none", its,
            f"{ratio:.2f}" if ratio else "", met, rate, limit]  # fmt: skip


def line(texts):
    return "  ".join(text.ljust(width) for text, width in zip(texts, WIDTHS, strict=True)).rstrip()


def peer_lines(rows):
    """What kept a peer from counting."""
    return [
        f"{row['shape']}, {row['direction']}, {row['threads']} thr: {name} {why}"
        for row in rows
        for name, why in [
            *((name, f"is wrong by {error:.1e}") for name, error in row.get("wrong_peers", {}).items()),
            *((name, f"failed: {why.splitlines()[0][:100]}") for name, why in row.get("failed_peers", {}).items()),
        ]
    ]


def means(rows, isa=""):
    """(group, direction, threads, packed, geometric mean, goal) of each group measured as a whole."""
    found = []
    for key in dict.fromkeys(
        (r["group"], r["direction"], r["dtype"], r["threads"], r["packed"]) for r in rows if r["group"]
    ):
        same = [r for r in rows if (r["group"], r["direction"], r["dtype"], r["threads"], r["packed"]) == key]
        ratios = [r["ratio"] for r in same if r.get("ratio")]
        members = [s for s in SHAPES if (s.family == "conv" if key[0] == "nchw" else s.group == key[0])]
        whole = len(ratios) == len(members)
        if whole:
            found.append((*key, exp(sum(map(log, ratios)) / len(ratios)), group_target(*key, isa)))
    return found


def mean_lines(rows, isa=""):
    return [
        f"geometric mean of {group}, {direction}, {threads} thread{'s' * (threads > 1)}"
        f"{', packed' * packed}: {mean:.2f}" + (f" (goal {goal:g})" if goal else "")
        for group, direction, _, threads, packed, mean, goal in means(rows, isa)
    ]


def markdown(report):
    """The whole report: machine, table, means."""
    rows, isa = report["rows"], report.get("isa", "")
    about = [f"- {name}: {text}" for name, text in report["about"].items()]
    table = [HEAD, ["---"] * len(HEAD)] + [cells(row, isa) for row in rows]
    lines = ["# fastconv beside its peers", "", "ratio = best peer's time / ours, median of paired rounds.", ""]
    lines += [*about, "", *(f"| {' | '.join(texts)} |" for texts in table), ""]
    return "\n".join(lines + [f"- {text}" for text in mean_lines(rows, isa) + peer_lines(rows)]) + "\n"


def picture(report, path):
    """Bars of the ratios, a mark at each goal."""
    try:
        import matplotlib
    except ImportError:
        raise SystemExit("--picture needs matplotlib: pip install fastconv[benchmark]") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [row for row in report["rows"] if row.get("ratio")]
    figure, axes = pyplot.subplots(figsize=(9, 1.5 + 0.22 * len(rows)), layout="constrained")
    colours = {name: f"C{i}" for i, name in enumerate(dict.fromkeys(row["direction"] for row in rows))}
    for place, row in enumerate(rows):
        axes.barh(place, row["ratio"] - 1, left=1, color=colours[row["direction"]])
        goal = goal_of(row, report.get("isa", ""))
        if goal:
            axes.plot(goal, place, "k|")
    axes.axvline(1, color="grey", linewidth=0.8)
    labels = [f"{row['shape']}, {row['direction']}, {row['threads']} thr" for row in rows]
    axes.set_yticks(range(len(rows)), labels, fontsize=7)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("best peer's time / ours; | is the goal")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    marks = [pyplot.Rectangle((0, 0), 1, 1, color=colour) for colour in colours.values()]
    axes.legend(marks, colours, fontsize=7)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
