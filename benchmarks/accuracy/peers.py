"""What others reached, and under which protocol: read from the tables of PEERS.md and of files like it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CODE = re.compile(r"D\d+")
NUMBER = re.compile(r"-?\d*\.?\d+")


@dataclass(frozen=True)
class Metrics:
    """By which metric the best peer of a data set is found, and which one the first of the two ratios compares."""

    best: str = "wape"
    first: str = "wape"


METRICS = {"D7": Metrics("rmsse", "wape_totals"), "D8": Metrics("mase", "mase")}
"""Where WAPE says little: rare sellers (D7), and series that are no parts of one business (D8). The second ratio is of
RMSSE everywhere.
"""


@dataclass(frozen=True)
class Protocol:
    """Which data a code means, and its windows: `windows` of `h` periods, `step` periods apart. `folder` holds the raw
    files.
    """

    code: str
    data: str
    h: int
    windows: int
    step: int
    folder: Path


@dataclass(frozen=True)
class Peer:
    """One row of the table of peers; None where it has no figures."""

    code: str
    method: str
    wape: float
    bias: float | None
    rmsse: float
    mase: float
    wape_totals: float | None
    cov80: float | None
    cov95: float | None
    sis80: float | None
    wall: float | None
    cpu: float | None
    mb: float | None


@dataclass(frozen=True)
class Field:
    """Protocols by code, and all peers."""

    protocols: dict[str, Protocol]
    peers: tuple[Peer, ...]

    def of(self, code: str) -> list[Peer]:
        return [p for p in self.peers if p.code == code]

    def best(self, code: str) -> Peer:
        """The peer with the lowest figure of the metric that judges the data set."""
        return min(self.of(code), key=lambda p: float(getattr(p, metrics_of(code).best)))

    def narrowest(self, code: str) -> Peer | None:
        """The peer with the lowest interval score; None where no peer gives intervals."""
        given = [(p.sis80, p.method, p) for p in self.of(code) if p.sis80 is not None]
        return min(given)[2] if given else None

    def trees(self, code: str) -> Peer | None:
        """The quickest mlforecast row of a code, by cpu; None where no peer is one."""
        rows = [(p.cpu, p.method, p) for p in self.of(code) if "mlforecast" in p.method and p.cpu]
        return min(rows)[2] if rows else None


def metrics_of(code: str) -> Metrics:
    """The metrics by which a data set is compared."""
    return METRICS.get(code, Metrics())


def read(files: Mapping[Path, Path]) -> Field:
    """The tables of files like PEERS.md, each with the folder of its data.

    Raises SystemExit with one sentence where a file lacks one of its two tables.
    """
    protocols: dict[str, Protocol] = {}
    rows: list[Peer] = []
    for file, folder in files.items():
        found = tables(file)
        protocols |= {row["code"]: protocol(row, folder) for row in found["protocols"]}
        rows += [peer(row) for row in found["peers"]]
    return Field(protocols, tuple(rows))


def tables(file: Path) -> dict[str, list[dict[str, str]]]:
    """The rows of both tables, `protocols` and `peers`, by the names in their heads."""
    found: dict[str, list[dict[str, str]]] = {}
    heads: list[str] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        row = cells(line) if line.startswith("|") else [""]
        if row[0] == "code":
            heads = row
        elif CODE.fullmatch(row[0]):
            kind = "peers" if "method" in heads else "protocols"
            found.setdefault(kind, []).append(dict(zip(heads, row, strict=True)))
    if found.keys() != {"peers", "protocols"}:
        raise SystemExit(
            f"{file} must hold a table of the protocol (code, data, h, ...) and one of peers (code, method)"
        )
    return found


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def protocol(row: dict[str, str], folder: Path) -> Protocol:
    """`28 days` and `3, 28`, or `2, 42: dates`; the data stand under `data` or `folder`."""
    windows, step = numbers(row["windows, step"].split(":")[0])
    data = (row.get("data") or row["folder"]).split()[0]
    return Protocol(row["code"], data, int(numbers(row["h"])[0]), int(windows), int(step), folder / data)


def peer(row: dict[str, str]) -> Peer:
    wall, cpu = (*numbers(row["wall (cpu) s"]), None, None)[:2]
    cov80, cov95 = (*numbers(row["coverage"]), None, None)[:2]
    bias, totals, sis80, mb = (one(row[column]) for column in ("bias", "WAPE of totals", "SIS80", "MB"))
    wape, rmsse, mase = (float(row[column]) for column in ("WAPE", "RMSSE", "MASE"))
    return Peer(row["code"], row["method"], wape, bias, rmsse, mase, totals, cov80, cov95, sis80, wall, cpu, mb)


def numbers(text: str) -> list[float]:
    return [float(n) for n in NUMBER.findall(text)]


def one(text: str) -> float | None:
    return next(iter(numbers(text)), None)
