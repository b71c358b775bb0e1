"""The tables of benchmarks.accuracy, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.accuracy.peers import Field, Peer, metrics_of
from benchmarks.accuracy.verdict import NOMINAL, Aim, Result, geometric, ratios, skill, standard_error
from benchmarks.report import table

CALLED = {"wape": "WAPE", "wape_totals": "WAPE of totals", "mase": "MASE"}


def accuracy(results: Sequence[Result], peers: Field) -> str:
    """Ours beside the one best peer per data set."""
    head = ["code", "data", "serves", "best peer", "first", "ours", "its", "ratio", "RMSSE", "its", "ratio"]
    head += ["bias", "its", "WAPE", "WAPE of totals", "skill"]
    rows = []
    for r in results:
        p, s, first = peers.best(r.code), r.scores, metrics_of(r.code).first
        both = ratios(r, peers)
        cells = [CALLED[first], f"{s[first]:.4f}", f"{getattr(p, first):.4f}", f"{both['first']:.3f}"]
        cells += [f"{s['rmsse']:.3f}", f"{p.rmsse:.3f}", f"{both['RMSSE']:.3f}"]
        cells += [f"{s['bias']:+.3f}", "-" if p.bias is None else f"{p.bias:+.3f}"]
        cells += [f"{s['wape']:.4f}", f"{s['wape_totals']:.4f}", f"{skill(r):.3f}"]
        rows.append([r.code, r.data, r.champion, p.method, *cells])
    first, second = (f"{geometric(ratios(r, peers)[name] for r in results):.3f}" for name in ("first", "RMSSE"))
    rows.append(["", "geometric mean", *[""] * 5, first, "", "", second, *[""] * 5])
    return table(head, rows)


def intervals(results: Sequence[Result], peers: Field) -> str:
    """Coverage with its standard errors, interval score and weighted quantile loss beside the best of the peers."""
    head = ["code", "data", "80 %", "+-", "95 %", "+-", "80 % by window", "interval score", "best peer's", "of", "WQL"]
    rows = []
    for r in results:
        p, s = peers.narrowest(r.code), r.scores
        cover = [cell for level in NOMINAL for cell in (f"{s[f'cov{level}']:.3f}", _error(r, level))]
        windows = " ".join(f"{hit / n:.2f}".removeprefix("0") for n, hit in r.within["80"])
        theirs = ["-", "-"] if p is None else [f"{p.sis80:.2f}", p.method]
        rows.append([r.code, r.data, *cover, windows, f"{s['sis80']:.2f}", *theirs, f"{s['wql']:.4f}"])
    return table(head, rows)


def _error(result: Result, level: str) -> str:
    error = standard_error(result.within[level])
    return "one window" if error is None else f"{error:.3f}"


def costs(results: Sequence[Result], peers: Field) -> str:
    """Ours and the rival's on this machine, or, for orientation, as the lists of peers give them for another."""
    head = ["code", "data", "windows", "ingest s", "backtest s", "wall s", "cpu s", "MB", "cpu s a window"]
    head += ["rival", "cpu s", "a window", "ratio", "ratio a window", "measured", "with intervals cpu s", "ratio"]
    rows = []
    for r in results:
        fitted, published = sum(r.windows) or 1, _published(r, peers)
        windows = " + ".join(map(str, r.windows))
        steps = [f"{r.steps.get(step, 0):.0f}" for step in ("ingest", "backtest")]
        mine = [f"{r.cost.wall:.0f}", f"{r.cost.cpu:.0f}", f"{r.cost.mb:.0f}", f"{r.cost.cpu / fitted:.0f}"]
        cpu = r.theirs.cpu if r.theirs else published.cpu if published else None
        where = "here" if r.theirs else "elsewhere, from the lists of peers" if cpu else "-"
        rows.append([r.code, r.data, windows, *steps, *mine, r.rival, *_compared(r, cpu), where, *_calibrated(r)])
    return table(head, rows)


def _calibrated(result: Result) -> list[str]:
    """The cpu of mlforecast with conformal intervals, and ours by it."""
    theirs = result.calibrated
    return [f"{theirs.cpu:.0f}", f"{result.cost.cpu / theirs.cpu:.2f}"] if theirs else ["-", "-"]


def _published(result: Result, peers: Field) -> Peer | None:
    return peers.trees(result.code) if result.rival == "mlforecast" else peers.best(result.code)


def _compared(result: Result, cpu: float | None) -> list[str]:
    """The rival's cpu, by window, and ours by both; its windows are the reported ones."""
    if not cpu:
        return ["-"] * 4
    theirs, ours = cpu / (result.windows or (1,))[0], result.cost.cpu / (sum(result.windows) or 1)
    return [f"{cpu:.0f}", f"{theirs:.0f}", f"{result.cost.cpu / cpu:.2f}", f"{ours / theirs:.2f}"]


def models(results: Sequence[Result]) -> str:
    """The best single models of the recipe beside the one that serves."""
    head = ["code", "model", "WAPE", "MASE", "RMSSE", "bias", "seconds"]
    rows = [
        [
            r.code,
            name,
            f"{s['wape']:.4f}",
            f"{s['mase']:.3f}",
            f"{s['rmsse']:.3f}",
            f"{s['bias']:+.3f}",
            _seconds(r, name),
        ]
        for r in results
        for name, s in {r.champion: r.scores, **r.others, "SeasonalNaive": r.naive}.items()
    ]
    return table(head, rows)


def _seconds(result: Result, name: str) -> str:
    return f"{result.seconds[name]:.1f}" if name in result.seconds else "-"


def aimed(aims: Sequence[Aim]) -> str:
    """How many aims are met, which ones are not, and the table of all."""
    words = {True: "yes", False: "no", None: "not measured"}
    missed = [f"- {words[a.met]}: {a.aim}: {a.found}" for a in aims if not a.met]
    counted = f"Met: {len(aims) - len(missed)} of {len(aims)} aims.{' Not met, or not measured:' if missed else ''}"
    whole = table(["aim", "found", "met"], [[a.aim, a.found, words[a.met]] for a in aims])
    return "\n\n".join(part for part in (counted, "\n".join(missed), whole) if part)
