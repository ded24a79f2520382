"""Rows of `real.py`: what is judged, and lines, Markdown and a picture of them."""

from statistics import median

HEAD = ["program", "situation", "ms per call: median (worst) of the processes", "judged"]
BUSY, IDLE, CLIENT, CROWD = 1.25, 1.02, 2.0, 0.8
COLOURS = {"ours": "C0", "one thread": "C1", "fixed": "C2", "torch": "C3", "theirs": "C3", "OMP_NUM_THREADS=8": "C0"}


def effective(results):
    """Milliseconds per call of processes that run at once: 1 / the sum of their calls per second."""
    return 1e3 / sum(1 / result["mean"] for result in results)


def row(part, program, situation, turns, failed):
    """One line of the report: of every contender the milliseconds of each turn."""
    results = [result for contender in turns.values() for turn in contender for result in turn]
    found = {"part": part, "program": program, "situation": situation, "failed": failed}
    found["milliseconds"] = {name: [effective(turn) for turn in values] for name, values in turns.items()}
    found["medians"] = {name: [1e3 * r["median"] for turn in values for r in turn] for name, values in turns.items()}
    checked = [result for result in results if "error" in result]
    if checked:
        found |= {"error": max(r["error"] for r in checked), "tolerance": checked[0]["tolerance"]}
    return found | {"judged": judged(found)}


def judged(row):
    """What has a limit, each with its value, the limit, and whether it holds."""
    times = row["milliseconds"]
    if row["part"] == "busy":
        found = [verdict(times, "ours", max, "one thread", median, "<=", BUSY)]
        if row["situation"] == "idle":
            found.append(side_by_side(row["medians"]))
    elif row["part"] == "clients":
        found = [verdict(times, "theirs", median, "ours", median, ">=", CLIENT)]
    else:
        ours = next((name for name in times if name != "one thread"), "ours")
        found = [verdict(times, "one thread", median, ours, median, ">=", CROWD)]
    return [one for one in found if one]


def verdict(times, a, of_a, b, of_b, sign, limit):
    """of_a(times of a) / of_b(times of b) beside its limit; None where one of them was not measured."""
    if not times.get(a) or not times.get(b):
        return None
    return limited(f"{'worst ' if of_a is max else ''}{a} / {b}", of_a(times[a]) / of_b(times[b]), sign, limit)


def side_by_side(medians):
    """The median over the turns of ours / fixed, each with the median of its calls: two per cent drown in the means."""
    pairs = list(zip(medians.get("ours", ()), medians.get("fixed", ()), strict=False))
    return limited("ours / fixed", median(a / b for a, b in pairs), "<=", IDLE) if pairs else None


def limited(name, value, sign, limit):
    met = value <= limit if sign == "<=" else value >= limit
    return {"name": name, "value": value, "sign": sign, "limit": limit, "met": met}


def wrong(row):
    return "error" in row and not row["error"] <= row["tolerance"]  # a NaN is wrong too


def text(verdict):
    answer = "yes" if verdict["met"] else "NO"
    return f"{verdict['name']} {verdict['value']:.2f} {verdict['sign']} {verdict['limit']:g} {answer}"


def cells(row):
    times = [f"{name} {median(ms):.3g} ({max(ms):.3g})" for name, ms in row["milliseconds"].items()]
    times += [f"{name} failed: {why}" for name, why in row["failed"].items()]
    verdicts = [text(v) for v in row["judged"]]
    one = row["milliseconds"].get("one thread")
    if row["part"] == "busy" and one:
        verdicts.append(f"one thread's own worst {max(one) / median(one):.2f}")
    if "error" in row:
        verdicts.append(f"{'WRONG by' if wrong(row) else 'error'} {row['error']:.0e} <= {row['tolerance']:g}")
    return [row["program"], row["situation"], ", ".join(times), "; ".join(verdicts)]


def line(texts):
    widths = (9, 19, 96, 0)
    return "  ".join(text.ljust(width) for text, width in zip(texts, widths, strict=True)).rstrip()


def summary(rows):
    verdicts = [v for row in rows for v in row["judged"]]
    return f"{sum(v['met'] for v in verdicts)} of {len(verdicts)} limits hold"


def markdown(report):
    about = [f"- {name}: {text}" for name, text in report["about"].items()]
    table = [HEAD, ["---"] * len(HEAD)] + [cells(row) for row in report["rows"]]
    lines = ["# fastconv in real programs", "", *about, "", *(f"| {' | '.join(texts)} |" for texts in table), ""]
    return "\n".join([*lines, summary(report["rows"])]) + "\n"


def picture(report, path):
    """A dot for every process: its time / the median of one thread, or of the client as it was."""
    try:
        import matplotlib
    except ImportError:
        raise SystemExit("--picture needs matplotlib: pip install fastconv[benchmark]") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows, shown = report["rows"], {}
    figure, axes = pyplot.subplots(figsize=(9, 1.5 + 0.32 * len(rows)), layout="constrained")
    for place, row in enumerate(rows):
        times = row["milliseconds"]
        base = times.get("theirs") or times.get("one thread")
        for n, (name, ms) in enumerate(times.items() if base else ()):
            where = [place - 0.3 + 0.6 * n / max(1, len(times) - 1)] * len(ms)
            shown[name] = axes.scatter([t / median(base) for t in ms], where, s=12, color=COLOURS[name], alpha=0.7)
        limit = {"busy": BUSY, "clients": 1 / CLIENT, "crowd": 1 / CROWD}[row["part"]]
        axes.plot(limit, place, "k|", markersize=14)
    axes.axvline(1, color="grey", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [f"{row['program']}, {row['situation']}" for row in rows], fontsize=7)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlabel("time of each process / median of one thread (clients: of the program as it was); | is the limit")
    axes.set_ylim(len(rows) - 0.4, -0.6)
    if shown:
        figure.legend(shown.values(), shown.keys(), fontsize=7, ncols=len(shown), loc="outside upper center")
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
