"""docs/ACCURACY.md has parts of several benchmarks; each writes its own."""

import re

from benchmarks import report
from tests.conftest import ROOT


def test_a_part_replaces_itself_alone(tmp_path):
    file = tmp_path / "ACCURACY.md"
    report.put(file, "bench-accuracy", "## One\n\nfirst figures")
    report.put(file, "bench-leaderboard", "## Two\n\nplace 3 \\1 of 30")
    before = file.read_text()
    assert before.startswith(report.TITLE)
    report.put(file, "bench-accuracy", "## One\n\nnewer figures")
    after = file.read_text()
    assert after == before.replace("first figures", "newer figures")
    assert "place 3 \\1 of 30" in after


def test_words_outside_the_parts_stay(tmp_path):
    file = tmp_path / "ACCURACY.md"
    report.put(file, "bench-accuracy", "figures")
    file.write_text(file.read_text() + "\nwritten by hand\n")
    report.put(file, "bench-accuracy", "others")
    assert file.read_text().endswith("\nwritten by hand\n")


def test_the_document_of_the_repository_has_the_parts_marked():
    text = (ROOT / "docs" / "ACCURACY.md").read_text()
    marked = re.findall(r"<!-- (bench-\w+): written", text)
    assert "bench-accuracy" in marked
    for part in marked:
        assert [text.count(mark) for mark in report.marks(part)] == [1, 1]


def test_neither_bench_is_part_of_the_tests():
    made = (ROOT / "Makefile").read_text()
    tests = made.partition("\ntest:")[2].partition("\n\n")[0]
    assert "fev" not in tests
    assert "bench" not in tests
    assert "\nbench-accuracy:" in made
    assert "\nbench-leaderboard:" in made
