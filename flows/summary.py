"""What a run has done, told from the facts of its steps: as text for the terminal, as Markdown for Prefect."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flows import tuned
from forecasting.data.quality.freshness import freshness_messages
from forecasting.evaluation.metrics import format_value, in_display_order, label

Facts = Mapping[str, Any]
Row = Mapping[str, str]


@dataclass(frozen=True)
class Section:
    """A heading, sentences, and perhaps a table whose rows share their columns."""

    title: str
    lines: tuple[str, ...] = ()
    rows: tuple[Row, ...] = field(default=())


def text(records: Sequence[Facts], config: str, store: str) -> str:
    """The whole summary as plain text; `config` is the job's file and `store` the place of its tables."""
    sections = [*_sections(records), _times(records), _next(config, store)]
    return "\n\n".join("\n".join([s.title, *(f"  {line}" for line in (*s.lines, *_aligned(s.rows)))]) for s in sections)


def markdown(records: Sequence[Facts]) -> str:
    """The same as Markdown, without what only a person at a terminal needs."""
    parts = []
    for section in _sections(records):
        parts.append(f"## {section.title}")
        parts.append("\n".join(f"- {line}" for line in section.lines))
        parts.append("\n".join(_piped(section.rows)))
    return "\n\n".join(filter(None, parts))


def _sections(records: Sequence[Facts]) -> Iterator[Section]:
    for record in records:
        found = list(TELL[record["step"]](record["facts"]))
        if record["reused"] and found:
            first = found[0]
            found[0] = Section(f"{first.title} (nothing new: kept as it was)", first.lines, first.rows)
        yield from found


def _ingest(f: Facts) -> Iterator[Section]:
    dropped = sum(f["dropped"].values())
    lines = [
        f"{f['lines']:,} lines in = {f['aggregated']:,} aggregated + {f['quarantined']:,} quarantined"
        f" + {f['duplicates']:,} duplicates + {dropped:,} dropped",
        f"{f['keys']:,} rows in the panel = {f['observed']:,} observed + {f['filled']:,} filled",
        f"{f['series']:,} series, {f['first']} to {f['last']}; data version {f['data_version']},"
        f" {f['rows_written']:,} rows written",
    ]
    for word in ("quarantined", "dropped"):
        rules = f["quarantined_by_rule"] if word == "quarantined" else f["dropped"]
        if rules:
            lines.append(f"{word}: {_counts(rules)}")
    lines += _tables(f.get("tables", {}), f.get("told_by_tables", 0))
    lines += _landed(f)
    lines += freshness_messages(f.get("freshness", {}))
    if f.get("cleaned"):  # loads from before there was any cleaning tell nothing of it
        lines.append(f"cleaned: {_counts(f['cleaned'])}")
    yield Section("Data", tuple(lines))


def _tables(accounts: Mapping[str, Facts], told: int) -> Iterator[str]:
    """What further tables brought, and what they and the sales do not know of each other."""
    for name, a in accounts.items():
        said = [f"{a['rows']:,} of {a['lines']:,} rows taken"]
        if a["unmatched"]:
            said.append(f"nothing for {a['unmatched']:,} rows of the sales, first {a['example']}")
        if a["unmatched_keys"]:
            said.append(f"{a['unmatched_keys']:,} keys of the sales lack")
        if a["unused_keys"]:
            said.append(f"{a['unused_keys']:,} of its keys are never sold")
        yield f"table {name}: {'; '.join(said)}"
    if told:
        yield f"{told:,} rows are of days that only tables tell of"


def _landed(f: Facts) -> Iterator[str]:
    """What became of the files of a landing folder, and of rows that were marked as deleted."""
    for key, said in (
        ("files_read", "files read"),
        ("files_again", "files not read, they are counted already"),
        ("files_beside", "files left alone, they lack its columns"),
    ):
        if names := f.get(key):
            yield f"{len(names):,} {said}: {', '.join(names[:5])}{', ...' if len(names) > 5 else ''}"
    if f.get("deleted"):
        yield f"{f['deleted']:,} rows deleted"


def _backtest(f: Facts) -> Iterator[Section]:
    grains = dict.fromkeys(s["grain"] for s in f["scores"])
    told: list[list[dict[str, Any]]] = []
    for grain in sorted(grains, key=lambda g: (g != "series", g != "total", g)):
        scores = sorted((s for s in f["scores"] if s["grain"] == grain), key=lambda s: _last(s["wape"]))
        bare = [{k: v for k, v in s.items() if k != "grain"} for s in scores]
        if bare in told:  # of a single series the total is the series
            continue
        told.append(bare)
        title = {"series": "Scores of the series", "total": "Scores of the total"}.get(grain, f"Scores by {grain}")
        yield Section(title, (), tuple(_score(s) for s in scores))
    lines = [
        f"cutoffs {', '.join(f['cutoffs'])}; recipe {f['recipe']}",
        "skill: share of the best naive model's WAPE that is saved; bias: above 0 when too much is forecast",
        f"fitted in {_seconds(f['seconds'])}",
    ]
    if f["failures"]:
        lines.append(f"{len(f['failures']):,} fits failed and a fallback answered; the first ones:")
        lines += [f"  {x['model']} on {x['unique_id']}: {' '.join(x['reason'].split())}" for x in f["failures"][:3]]
    yield Section("Backtest", tuple(lines))


def _train(f: Facts) -> Iterator[Section]:
    yield Section("Model", (f"version {f['version']}: {f['reason']}", f"forecasts come from {f['champion']}"))


def _tune(f: Facts) -> Iterator[Section]:
    yield Section("Tuning", tuple(tuned.lines(f)), tuple(tuned.rows(f)))


def _predict(f: Facts) -> Iterator[Section]:
    lines = (
        f"{f['rows']:,} rows for {f['series']:,} series, {f['first']} to {f['last']}",
        f"made on {f['cutoff']} by {f['champion']}, version {f['version']}",
        *_unknown(f["unknown_ahead"]),
    )
    yield Section("Forecasts", lines)


def _unknown(columns: Sequence[str]) -> list[str]:
    """A warning that backtests knew more than this forecast does."""
    if not columns:
        return []
    return [
        f"nothing is known of {', '.join(columns)} for the coming days, but the backtests knew them: give rows for "
        "these days, or rules under `future`; until then expect larger errors than scored"
    ]


def _monitor(f: Facts) -> Iterator[Section]:
    newest, before = (" to ".join(f[span]) for span in ("current", "reference"))
    lines = (
        f"{newest} against {before}: {_percent(f['share'])} of the columns drifted{_names(f['drifted'])}",
        f"report: {f['report']}",
        *freshness_messages(f.get("freshness", {})),
    )
    yield Section("Drift", lines)
    if f["realised"]:
        yield Section("Past forecasts against what came", (), tuple(_score(s) for s in f["realised"]))


TELL: Mapping[str, Callable[[Facts], Iterator[Section]]] = {
    "ingest": _ingest,
    "backtest": _backtest,
    "train": _train,
    "tune": _tune,
    "predict": _predict,
    "monitor": _monitor,
}


def _times(records: Sequence[Facts]) -> Section:
    steps = ", ".join(f"{r['step']} {r['seconds']:.1f} s" for r in records)
    return Section("Time", (f"{steps}; together {sum(r['seconds'] for r in records):.1f} s",))


def _next(config: str, store: str) -> Section:
    lines = (
        f"demandcast serve {config}",
        f"demandcast export forecasts {config} --out forecasts.csv",
        f"or with any Delta Lake reader: {store}/forecasts",
    )
    return Section("To look at it", lines)


def _score(score: Facts) -> dict[str, str]:
    """The columns of a row of scores by their headings: the model, and the metrics in the order of their registry."""
    names = [name for name in ("model", "cutoff") if name in score] + in_display_order(score, "summary")
    return {label(name): format_value(name, score[name]) for name in names}


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _seconds(models: Mapping[str, float]) -> str:
    """What took long enough to be worth telling."""
    return ", ".join(f"{model} {s:.1f} s" for model, s in models.items() if s >= 0.05) or "no time to speak of"


def _counts(rules: Mapping[str, int]) -> str:
    return ", ".join(f"{rule} {count:,}" for rule, count in sorted(rules.items(), key=lambda r: -r[1]))


def _names(columns: Sequence[str]) -> str:
    return f": {', '.join(columns)}" if columns else ""


def _last(value: float | None) -> float:
    return float("inf") if value is None else value


def _aligned(rows: Sequence[Row]) -> list[str]:
    """The first column to the left, the others, numbers, to the right."""
    if not rows:
        return []
    table = [list(rows[0]), *([*row.values()] for row in rows)]
    first, *others = (max(map(len, column)) for column in zip(*table, strict=True))
    return ["  ".join([line[0].ljust(first), *map(str.rjust, line[1:], others)]) for line in table]


def _piped(rows: Sequence[Row]) -> list[str]:
    if not rows:
        return []
    rule = ["---", *["---:"] * (len(rows[0]) - 1)]
    table = (list(rows[0]), rule, *([*row.values()] for row in rows))
    return [f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in table]
