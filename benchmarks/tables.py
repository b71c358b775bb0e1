"""The tables of benchmarks.accuracy, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.peers import Field
from benchmarks.verdict import Aim, Result, geometric, ratio, skill


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with even columns."""
    lines = [list(head), *[list(row) for row in rows]]
    width = [max(len(line[i]) for line in lines) for i in range(len(head))]
    drawn = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(line, width, strict=True)) + " |" for line in lines]
    return "\n".join([drawn[0], "|" + "|".join("-" * (w + 2) for w in width) + "|", *drawn[1:]])


def accuracy(results: Sequence[Result], peers: Field) -> str:
    """Ours beside the one best peer per data set."""
    head = ["code", "data", "serves", "best peer", "WAPE", "its", "ratio", "RMSSE", "its", "ratio"]
    head += ["bias", "its", "WAPE of totals", "skill"]
    rows = []
    for r in results:
        p, s = peers.best(r.code), r.scores
        told = [f"{s['wape']:.4f}", f"{p.wape:.4f}", f"{ratio(r, peers, 'wape'):.3f}"]
        told += [f"{s['rmsse']:.3f}", f"{p.rmsse:.3f}", f"{ratio(r, peers, 'rmsse'):.3f}"]
        told += [f"{s['bias']:+.3f}", "-" if p.bias is None else f"{p.bias:+.3f}", f"{s['wape_totals']:.4f}"]
        rows.append([r.code, r.data, r.champion, p.method, *told, f"{skill(r):.3f}"])
    means = {m: f"{geometric(ratio(r, peers, m) for r in results):.3f}" for m in ("wape", "rmsse")}
    rows.append(["", "geometric mean", "", "", "", "", means["wape"], "", "", means["rmsse"], "", "", "", ""])
    return table(head, rows)


def intervals(results: Sequence[Result], peers: Field) -> str:
    """Coverage with its standard errors, interval score and weighted quantile loss beside the best of the peers."""
    head = ["code", "data", "80 %", "+-", "95 %", "+-", "interval score", "best peer's", "of", "WQL"]
    rows = []
    for r in results:
        p, s = peers.narrowest(r.code), r.scores
        cover = [cell for level in ("80", "95") for cell in (f"{s[f'cov{level}']:.3f}", f"{r.errors[level]:.3f}")]
        theirs = ["-", "-"] if p is None else [f"{p.sis80:.2f}", p.method]
        rows.append([r.code, r.data, *cover, f"{s['sis80']:.2f}", *theirs, f"{s['wql']:.4f}"])
    return table(head, rows)


def costs(results: Sequence[Result], peers: Field) -> str:
    """Ours and mlforecast's on this machine, or, for orientation, as PEERS.md tells of another."""
    head = [
        "code",
        "data",
        "windows",
        "ingest s",
        "backtest s",
        "wall s",
        "cpu s",
        "MB",
        "mlforecast cpu s",
        "ratio",
        "measured",
    ]
    rows = []
    for r in results:
        told = peers.trees(r.code)
        cpu = r.theirs.cpu if r.theirs else told.cpu if told else None
        other = ["-", "-"] if not cpu else [f"{cpu:.0f}", f"{r.cost.cpu / cpu:.2f}"]
        where = "here" if r.theirs else "elsewhere, as PEERS.md tells" if cpu else "-"
        steps = [f"{r.steps.get(step, 0):.0f}" for step in ("ingest", "backtest")]
        mine = [f"{r.cost.wall:.0f}", f"{r.cost.cpu:.0f}", f"{r.cost.mb:.0f}"]
        rows.append([r.code, r.data, " + ".join(map(str, r.windows)), *steps, *mine, *other, where])
    return table(head, rows)


def models(results: Sequence[Result]) -> str:
    """The best single models of the recipe beside the one that serves."""
    rows = [
        [r.code, name, f"{s['wape']:.4f}", f"{s['rmsse']:.3f}", f"{s['bias']:+.3f}", f"{r.seconds.get(name, 0):.1f}"]
        for r in results
        for name, s in {r.champion: r.scores, **r.others, "SeasonalNaive": r.naive}.items()
    ]
    return table(["code", "model", "WAPE", "RMSSE", "bias", "seconds"], rows)


def aimed(aims: Sequence[Aim]) -> str:
    """Which aims are met."""
    said = {True: "yes", False: "no", None: "-"}
    return table(["aim", "found", "met"], [[a.asked, a.found, said[a.met]] for a in aims])
