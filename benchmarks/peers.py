"""What others reached, and under which protocol: read from the tables of PEERS.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

CODE = re.compile(r"D\d+")
NUMBER = re.compile(r"-?\d*\.?\d+")


@dataclass(frozen=True)
class Protocol:
    """Which data a code means, and its windows: `windows` of `h` periods, `step` periods apart."""

    code: str
    data: str
    h: int
    windows: int
    step: int


@dataclass(frozen=True)
class Peer:
    """One row of the table of peers; None where it tells nothing."""

    code: str
    method: str
    wape: float
    bias: float | None
    rmsse: float
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

    def best(self, code: str) -> Peer:
        """The peer with the lowest WAPE."""
        return min((p for p in self.peers if p.code == code), key=lambda p: p.wape)

    def narrowest(self, code: str) -> Peer | None:
        """The peer with the lowest interval score; None where no peer gives intervals."""
        given = [(p.sis80, p.method, p) for p in self.peers if p.code == code and p.sis80 is not None]
        return min(given)[2] if given else None

    def trees(self, code: str) -> Peer | None:
        """The quickest mlforecast row of a code, by cpu."""
        rows = [(p.cpu, p.method, p) for p in self.peers if p.code == code and "mlforecast" in p.method and p.cpu]
        return min(rows)[2] if rows else None


def read(file: Path) -> Field:
    """Both tables of a file like PEERS.md; raises SystemExit with one sentence where one of them is missing."""
    rows = [cells(line) for line in file.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    found: dict[str, list[dict[str, str]]] = {}
    heads: list[str] = []
    for row in rows:
        if row[0] == "code":
            heads = row
        elif CODE.fullmatch(row[0]):
            kind = "peers" if "method" in heads else "protocols"
            found.setdefault(kind, []).append(dict(zip(heads, row, strict=True)))
    if found.keys() != {"peers", "protocols"}:
        raise SystemExit(
            f"{file} must hold a table of the protocol (code, data, h, ...) and one of peers (code, method)"
        )
    protocols = {row["code"]: protocol(row) for row in found["protocols"]}
    return Field(protocols, tuple(peer(row) for row in found["peers"]))


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def protocol(row: dict[str, str]) -> Protocol:
    """`28 days` and `3, 28`, or `2, 42: dates`."""
    windows, step = numbers(row["windows, step"].split(":")[0])
    return Protocol(row["code"], row["data"].split()[0], int(numbers(row["h"])[0]), int(windows), int(step))


def peer(row: dict[str, str]) -> Peer:
    wall, cpu = (*numbers(row["wall (cpu) s"]), None, None)[:2]
    cov80, cov95 = (*numbers(row["coverage"]), None, None)[:2]
    named = {key: one(row[column]) for key, column in (("bias", "bias"), ("sis80", "SIS80"), ("mb", "MB"))}
    wape, rmsse = float(row["WAPE"]), float(row["RMSSE"])
    return Peer(
        row["code"], row["method"], wape, named["bias"], rmsse, cov80, cov95, named["sis80"], wall, cpu, named["mb"]
    )


def numbers(text: str) -> list[float]:
    return [float(n) for n in NUMBER.findall(text)]


def one(text: str) -> float | None:
    return next(iter(numbers(text)), None)
