"""A lake and a bundle of the first format, written by an older program, in the hands of this one."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from forecasting.config import Config, load
from forecasting.errors import UserError
from forecasting.services.store.formats import FORMAT_KEY, STORE_FORMAT
from forecasting.services.store.vintages import scan_published
from forecasting.services.tracking.signature import Signature
from forecasting.services.tracking.tracked_run import Dataset, TrackedRun
from forecasting.steps import queries, run_step
from forecasting.steps.forecasting import bundles
from forecasting.steps.session import open_session

LAST = date(2023, 12, 1)
KEYS = ["unique_id", "grain", "model", "ds"]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """The old job, unpacked into a folder of its own, which its relative paths start from."""
    shutil.unpack_archive(Path(__file__).with_name("format_1.zip"), tmp_path)
    monkeypatch.chdir(tmp_path)
    return load("shop.yaml")


def published(config: Config) -> pl.DataFrame:
    return scan_published(open_session(config).store).collect().sort(KEYS)


def register_old_bundle(config: Config) -> int:
    """Put the old files into a new registry, as they are."""
    session = open_session(config)
    facts = json.loads(Path("bundle/routing.json").read_text())["facts"]
    tags = {name: str(value) for name, value in facts.items()} | {"champion": "AutoETS"}
    rows = session.panel.scan(0).head(5).collect()
    run = session.registry.log_backtest(
        TrackedRun({}, {"step": "backtest"}, {"wape": 0.04}, Dataset(rows, "panel", 1), {}, {})
    )
    signature = Signature(rows.schema, session.store.tables["forecasts"].schema)
    version = session.registry.register_bundle(Path("bundle"), run, "old", signature, tags)
    session.registry.set_alias("champion", version)
    return version


def test_an_old_lake_is_read_as_it_is(shop: Config) -> None:
    session = open_session(shop)
    assert FORMAT_KEY not in session.meta, "the fixture must be older than the numbers"
    assert queries.read_status(session).cutoff == LAST
    rows = published(shop)
    assert rows.filter(pl.col("model") == "AutoETS", pl.col("grain") == "series").height == 9
    assert rows["cold_start"].null_count() == rows.height, "null: the column is younger than the rows"
    assert session.store.scan("scores").collect().height > 0
    assert session.store.scan("actions").collect().is_empty()
    assert session.store.scan("series").collect()["unique_id"].sort().to_list() == ["north", "south", "west"]


def test_a_load_on_top_of_an_old_lake_is_the_load_of_a_new_one(shop: Config) -> None:
    source = Path("sales.csv")
    source.write_text(source.read_text().replace("2024-01-01,north,,", "2024-01-01,north,140,"))
    run_step("ingest", shop)
    session = open_session(shop)
    assert session.meta[FORMAT_KEY] == str(STORE_FORMAT)
    assert session.store.load == 2
    fresh = load("shop.yaml", {"store.root": "elsewhere"})
    run_step("ingest", fresh)
    for table in ("panel", "series", "groups"):
        key = list(session.store.tables[table].key)
        new, old = (open_session(c).store.scan(table).collect().sort(key) for c in (fresh, shop))
        assert_frame_equal(old, new, check_exact=True)
    assert published(shop).height, "and the forecasts of before are still there"


def test_an_old_bundle_forecasts_what_it_has_forecast(shop: Config) -> None:
    before = published(shop).filter(pl.col("model") == "AutoETS")
    assert register_old_bundle(shop) == 1
    run_step("predict", shop, force=True)
    after = published(shop).filter(pl.col("model") == "AutoETS")
    numbers = ["yhat", "q50", "lo-80", "hi-80", "lo-95", "hi-95"]
    assert before.height >= 9
    assert_frame_equal(after.select(*KEYS, *numbers), before.select(*KEYS, *numbers), rel_tol=1e-9)
    assert not after["cold_start"].any(), "now it is known"


def test_a_lake_of_a_newer_program_is_refused(shop: Config) -> None:
    run_step("ingest", shop)
    store = open_session(shop).store
    newer: Any = {"key": [FORMAT_KEY], "value": [str(STORE_FORMAT + 1)]}
    store.merge("meta", pl.DataFrame(newer))
    loads = store.scan("loads").collect().sort("load").tail(1)
    version = store.newest_snapshot("meta").version()  # type: ignore[union-attr]
    store.append("loads", loads.with_columns(load=pl.col("load") + 1, meta=pl.lit(version)))
    for use in (open_session, lambda config: run_step("ingest", config)):
        with pytest.raises(UserError, match=rf"the store lake/shop has format {STORE_FORMAT + 1}, .* newer version"):
            use(shop)


def test_a_bundle_of_a_newer_program_is_refused(shop: Config) -> None:
    file = Path("bundle/routing.json")
    assert "format" not in json.loads(file.read_text()), "the fixture must be older than the numbers"
    assert bundles.load(Path("bundle")).champion == "AutoETS"
    number = bundles.BUNDLE_FORMAT + 1
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": number}))
    with pytest.raises(UserError, match=f"the bundle has format {number}, .* newer version"):
        bundles.load(Path("bundle"))


def test_a_bundle_bears_the_number_of_its_format(shop: Config, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    bundles.load(Path("bundle")).save(tmp_path / "new")
    assert json.loads((tmp_path / "new/routing.json").read_text())["format"] == bundles.BUNDLE_FORMAT
