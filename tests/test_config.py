"""The config: what a file says, and that every mistake names its file, its line, its key and the way out."""

import pickle
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from forecasting import models
from forecasting.config import Config, load, parse_overrides
from forecasting.config.sections import ModelSpec
from forecasting.data import sources
from forecasting.data.sources.layouts.synthetic import source_options as synthetic_options
from forecasting.data.sources.layouts.transactions.options import Options
from forecasting.data.sources.options import parse_options
from forecasting.errors import UserError
from forecasting.frequency import FREQS
from tests.conftest import ROOT

CONFIGS = sorted((ROOT / "configs").glob("*.yaml"))

# Every key on a line of its own, so that a line names one key only.
JOB = """\
name: job
source:
  kind: table
  path: sales.csv
  columns:
    unique_id: [store, item]
    ds: date
    y: units
freq: 1d
h: 14
season_length: 7
blocks: [7, 14]
columns:
  known_ahead:
    - price
    - promo
    - open
  known_after: [stock]
  static: [category]
  price: price
  promo: promo
  open: open
levels_of_aggregation:
  - []
  - [store]
  - [category, store]
calendar:
  country: NO
clean:
  gaps: missing
  y_min: 0
  outliers:
    rule: none
future:
  promo: 0
  open: same_weekday
limits:
  quarantined: 0.02
  max_age: 30
  dates: [2020-01-01, 2030-01-01]
backtest:
  windows: 2
  step: 14
  calibration: 1
models:
  - ladder
  - stats: AutoETS
  - lightgbm:
      trees: 50
      on: aggregates
level: [80, 95]
store:
  root: lake
  buckets: 4
tracking:
  uri: sqlite:///ml.db
"""


def written(tmp_path: Path, old: str = "", new: str = "") -> Path:
    """The job with one place changed."""
    assert old in JOB
    file = tmp_path / "job.yaml"
    file.write_text(JOB.replace(old, new, 1))
    return file


def line_of(text: str) -> int:
    """1-based line of JOB that holds the text."""
    return next(i for i, line in enumerate(JOB.splitlines(), 1) if text in line)


def refusal(file: Path, overrides: dict | None = None) -> str:
    with pytest.raises(UserError) as e:
        load(file, overrides)
    said = str(e.value)
    assert "\n" not in said
    return said


def test_a_whole_config_is_read(tmp_path):
    config = load(written(tmp_path))
    assert config.source.columns == {"unique_id": ("store", "item"), "ds": ("date",), "y": ("units",)}
    assert config.id_columns == ("store", "item")
    assert config.static_columns == ("store", "item", "category")
    assert config.levels_of_aggregation == ((), ("store",), ("category", "store"))
    assert config.limits.dates == (date(2020, 1, 1), date(2030, 1, 1))
    assert (config.season, config.step, config.block_ends, config.booster_ends) == (7, 14, (7, 14), (7, 14))
    assert config.calendar.country == "NO"  # not the false of YAML 1.1
    assert [(m.family, m.name, m.options, m.on) for m in config.models] == [
        ("naive", "ladder", {}, "series"),
        ("stats", "AutoETS", {"class": "AutoETS"}, "series"),
        ("lightgbm", "LightGBM", {"trees": 50}, "aggregates"),
    ]


def test_an_empty_list_of_models_is_a_mistake(tmp_path):
    file = tmp_path / "job.yaml"
    file.write_text("name: job\nsource: {path: x.csv}\nfreq: 1mo\nh: 7\nmodels: []\n")
    assert "line 5: models: must hold a model, or be auto" in refusal(file)


def test_what_is_left_out_has_a_default(tmp_path):
    file = tmp_path / "job.yaml"
    file.write_text("name: job\nsource: {path: x.csv}\nfreq: 1mo\nh: 7\n")
    config = load(file)
    assert (config.season, config.step, config.block_ends, config.level) == (12, 7, (1, 3, 6, 7), (80, 95))
    assert config.models == (), "they are chosen from the data"
    assert config.store.buckets == "auto"


@pytest.mark.parametrize(
    ("freq", "blocks", "shared"),
    [
        ("1d", None, (7, 28)),
        ("1w", None, (13, 26, 28)),
        ("1mo", None, (1, 12, 24, 28)),
        ("1q", None, (1, 2, 4, 8, 12, 16, 20, 24, 28)),
        ("1w", [4, 28], (4, 28)),
    ],
)
def test_days_weeks_and_months_share_boosters_unless_blocks_are_given(freq, blocks, shared):
    asked = {"blocks": blocks} if blocks else {}
    config = Config.model_validate({"name": "job", "source": {"path": "x.csv"}, "freq": freq, "h": 28} | asked)
    assert config.booster_ends == shared
    assert config.block_ends == (tuple(blocks) if blocks else FREQS[freq].blocks(28))


def test_a_config_cannot_be_changed(tmp_path):
    with pytest.raises(ValueError, match="frozen"):
        load(written(tmp_path)).h = 3


# what stands there -> what is written instead, the text of the line to be named, what is said
UNKNOWN = [
    ("h: 14", "hh: 14", "h: 14", "hh: is not a key of the config; did you mean `h`?"),
    ("freq: 1d", "frequ: 1d", "freq: 1d", "frequ: is not a key of the config; did you mean `freq`?"),
    ("  path:", "  paht:", "path:", "source.paht: is not a key of the config; did you mean `path`?"),
    ("    rule:", "    rul:", "rule:", "clean.outliers.rul: is not a key of the config; did you mean `rule`?"),
    ("  country:", "  zzz:", "country:", "calendar.zzz: is not a key of the config; take it out"),
    ("  windows:", "  window:", "windows:", "backtest.window: is not a key of the config; did you mean `windows`?"),
    ("store:\n", "stor:\n", "store:", "stor: is not a key of the config; did you mean `store`?"),
    (
        "    y: units",
        "    z: units",
        "y: units",
        "source.columns.z: is not a key of source.columns: use unique_id, ds, y, deleted only",
    ),
    ("h: 14", "1: 14", "h: 14", "1: is not a key of the config; take it out"),
]
TYPES = [
    ("name: job", "name: 5", "name: job", "name: must be text (put a number in quotes), and it is 5"),
    ("name: job", "name: my job", "name: job", "name: must begin with a letter or digit"),
    ("name: job", "name:", "name: job", "name: must be text (put a number in quotes), and it is empty"),
    ("h: 14", "h: two weeks", "h: 14", "h: must be a whole number, and it is 'two weeks'"),
    ("h: 14", "h: true", "h: 14", "h: must be a whole number, and it is True"),
    ("h: 14", "h: 14.5", "h: 14", "h: must be a whole number, and it is 14.5"),
    ("h: 14", "h: 0", "h: 14", "h: must be greater than or equal to 1, and it is 0"),
    ("freq: 1d", "freq: daily", "freq: 1d", "freq: must be '1d', '1w', '1mo', '1q' or '1y', and it is 'daily'"),
    ("y_min: 0", "y_min: none", "y_min", "clean.y_min: must be a number, and it is 'none'"),
    ("y_min: 0", "y_min: .inf", "y_min", "clean.y_min: must be a number, and it is '.inf'"),
    ("y_min: 0", "y_min: 1e999", "y_min", "clean.y_min: must be a finite number"),
    ("gaps: missing", "gaps: fill", "gaps", "clean.gaps: must be 'missing' or 'zero', and it is 'fill'"),
    ("quarantined: 0.02", "quarantined: 2", "quarantined", "limits.quarantined: must be less than or equal to 1"),
    ("max_age: 30", "max_age: -1", "max_age", "limits.max_age: must be greater than or equal to 0, and it is -1"),
    ("[2020-01-01, 2030", "[01.02.2020, 2030", "dates:", "limits.dates.0: must be a date such as 2024-01-31"),
    ("[2020-01-01, 2030", "[2020-13-01, 2030", "dates:", "limits.dates.0: must be a date such as 2024-01-31"),
    ("[2020-01-01, 2030-01-01]", "[2020, 2030]", "dates:", "must be a date such as 2024-01-31, and it is 2020"),
    ("[2020-01-01, 2030-01-01]", "2020-01-01", "dates:", "limits.dates: must hold the first and the last plausible"),
    ("[2020-01-01, 2030-01-01]", "[2020-01-01]", "dates:", "limits.dates: must hold the first and the last plausible"),
    ("buckets: 4", "buckets: 0", "buckets", "store.buckets: must be auto or a whole number of 1 or more, and it is 0"),
    ("buckets: 4", "buckets: -2", "buckets", "store.buckets: must be auto or a whole number of 1 or more"),
    ("buckets: 4", "buckets: some", "buckets", "store.buckets: must be auto or a whole number of 1 or more"),
    ("windows: 2", "windows: 0", "windows", "backtest.windows: must be greater than or equal to 1"),
    ("[category]\n", "[1, 2]\n", "static:", "columns.static.0: must be text (put a number in quotes), and it is 1"),
    ("level: [80, 95]", "level: 80", "level: [", "level: must be a list in brackets, such as [a, b], and it is 80"),
    ("level: [80, 95]", "level: [0.8]", "level: [", "level.0: must be a whole number, and it is 0.8"),
    ("calendar:\n  country: NO", "calendar: NO", "calendar", "calendar: must be a section with keys and values"),
    (
        "calendar:\n  country: NO",
        "calendar:",
        "calendar",
        "calendar: must be a section with keys and values",
    ),
]
CLASHES = [
    (
        "ds: date",
        "ds: store",
        "ds: date",
        "source.columns.ds: store is also unique_id: part of the key needs another column",
    ),
    ("y: units", "y: date", "y: units", "source.columns.y: date is also ds: the target needs another column"),
    ("y: units", "y: item", "y: units", "source.columns.y: item is also unique_id: the target needs another column"),
    ("- promo", "- units", "- promo", "columns.known_ahead.1: units is the target and cannot be a driver: take it out"),
    ("- promo", "- date", "- promo", "columns.known_ahead.1: date is a key and cannot be a driver: take it out"),
    ("[stock]", "[promo]", "known_after", "columns.known_after.0: promo is also in columns.known_ahead: leave"),
    ("promo: promo", "promo: deal", "promo: promo", "columns.promo: deal must also be in columns.known_ahead"),
    ("promo: 0", "deal: 0", "promo: 0", "deal is not in columns.known_ahead, which holds price, promo, open"),
    ("same_weekday", "same_day", "same_weekday", "future.open: 'same_day' is not a rule: use null, repeat_last_year"),
    ("same_weekday", "[1, 2]", "same_weekday", "future.open: [1, 2] is not a rule: use null, repeat_last_year"),
    ("blocks: [7, 14]", "blocks: [7, 28]", "blocks", "blocks: must rise and end with h = 14, for example [1, 7, 14]"),
    ("blocks: [7, 14]", "blocks: [14, 7]", "blocks", "blocks: must rise and end with h = 14"),
    ("blocks: [7, 14]", "blocks: []", "blocks", "blocks: must rise and end with h = 14"),
    ("blocks: [7, 14]", "blocks: [0, 14]", "blocks", "blocks.0: must be greater than or equal to 1, and it is 0"),
    ("h: 14", "h: 21", "blocks", "blocks: must rise and end with h = 21, for example [1, 7, 14, 21]"),
    ("h: 14", "budget: 5\nh: 14", "h: 14", "budget: is for models: auto; a list of models is run whatever it costs"),
    ("h: 14", "budget: 0\nh: 14", "h: 14", "budget: must be greater than 0, and it is 0"),
    ("2030-01-01", "2019-01-01", "dates:", "limits.dates: 2020-01-01 must lie before 2019-01-01"),
    ("level: [80, 95]", "level: [80, 100]", "level: [", "level.1: 100 must be a percentage from 1 to 99"),
    ("level: [80, 95]", "level: [0, 95]", "level: [", "level.0: 0 must be a percentage from 1 to 99"),
    ("level: [80, 95]", "level: [80, 80]", "level: [", "level.1: 80 is listed twice: leave one out"),
    ("level: [80, 95]", "level: []", "level: [", "level: must hold a percentage, for example [80, 95]"),
    (
        "[category, store]",
        "[category, shop]",
        "[category, store]",
        "levels_of_aggregation.2: shop is not in columns.static, which holds store, item, category: add it",
    ),
    ("  - [store]", "  - []", "  - [store]", "levels_of_aggregation.1: [] repeats a column or a level: leave one out"),
]
MODELS = [
    (
        "  - stats: AutoETS",
        "  - statz: AutoETS",
        "stats:",
        "models.1: 'statz' is no model; there are ladder, naive, stats",
    ),
    ("  - stats: AutoETS", "  - prophet", "stats:", "models.1: 'prophet' is no model; there are ladder, naive, stats"),
    ("  - ladder", "  - laddr", "ladder", "models.0: 'laddr' is no model; there are ladder, naive, stats"),
    ("stats: AutoETS", "stats: [AutoETS]", "stats:", "models.1: stats takes a mapping of options, not ['AutoETS']"),
    (
        "on: aggregates",
        "on: agregates",
        "on: aggregates",
        "models.2.on: must be 'series' or 'aggregates', and it is 'agregates'",
    ),
    (
        "on: aggregates",
        "name: AutoETS",
        "lightgbm",
        "models.2: two models have the name AutoETS: give this one another",
    ),
    (
        "on: aggregates",
        "name: 5",
        "on: aggregates",
        "models.2.name: must be text (put a number in quotes), and it is 5",
    ),
    ("  - ladder\n", "", "models:", "models: the list must hold `ladder`: every model is compared with it"),
    ("stats: AutoETS", "{stats: AutoETS, lightgbm: {}}", "stats:", "models.1: a model is `ladder` or one of the keys"),
]


@pytest.mark.parametrize(("old", "new", "at", "said"), UNKNOWN + TYPES + CLASHES + MODELS)
def test_a_mistake_names_its_line_and_key(tmp_path, old, new, at, said):
    file = written(tmp_path, old, new)
    message = refusal(file)
    assert message.startswith(f"{file}, line {line_of(at)}: "), message
    assert said in message


def test_an_unknown_key_that_was_meant_for_a_missing_one_is_told_once(tmp_path):
    assert "missing" not in refusal(written(tmp_path, "freq:", "frek:"))


def test_a_missing_key_names_the_file(tmp_path):
    file = written(tmp_path, "freq: 1d\n")
    assert refusal(file) == f"{file}: freq: is missing: every config needs it"


def test_several_mistakes_are_told_at_once(tmp_path):
    file = written(tmp_path, "freq: 1d\nh: 14", "freq: 2d\nh: x")
    assert re.findall(r"line (\d+): (\w+)", refusal(file)) == [("9", "freq"), ("10", "h")]


@pytest.mark.parametrize("freq", ["1w", "1mo"])
def test_same_weekday_is_for_days_only(tmp_path, freq):
    file = written(tmp_path, "freq: 1d", f"freq: {freq}")
    said = f"future.open: same_weekday needs days, and freq is {freq}: use repeat_last_year or last"
    assert refusal(file) == f"{file}, line {line_of('same_weekday')}: {said}"


def test_a_single_id_column_is_no_level(tmp_path):
    """It becomes unique_id itself: the panel has no such column, and every group would be one series."""
    file = written(tmp_path, "[store, item]", "[store]")
    assert refusal(file).startswith(f"{file}, line {line_of('  - [store]')}: levels_of_aggregation.1: store is not in")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ": is empty, and must hold keys and values such as `freq: 1d`"),
        ("# nothing but a remark\n", ": is empty, and must hold keys"),
        ("- name: job\n- h: 14\n", ": holds a list, and must hold keys"),
        ("name\n", ": holds 'name', and must hold keys"),
        ("name: job\nsource:\n\tkind: table\n", ", line 3: is not valid YAML"),
        ("name: job\n\th: 14\n", ", line 2: is not valid YAML"),
        ("name: job\nh: [1, 2\n", ", line 3: is not valid YAML"),
        ("name: job\nh: a: b\n", ", line 2: is not valid YAML"),
        ("name: job\nh: 'x\n", "is not valid YAML"),
        ("name: job\nh: 14\nfreq: 1d\nh: 28\n", ", line 4: the key h is already in line 2: leave one of them"),
        ("name: a\nclean:\n  gaps: zero\n  gaps: missing\n", ", line 4: the key gaps is already in line 3: leave"),
        ("name: a\nlimits: {max_age: 1, max_age: 2}\n", ", line 2: the key max_age is already in line 2"),
        ("name: a\n? [x]\n: 1\n", ", line 2: a key must be plain text"),
        ("name: a\nh: !!python/object:os.system 1\n", ", line 2: is not valid YAML"),
        ("name: a\n---\nname: b\n", "is not valid YAML"),
        ("name: a\nh: *b\n", ", line 2: is not valid YAML"),
        ("name: a\nfuture: &a [*a]\n", "is not valid YAML"),
    ],
)
def test_a_file_that_is_no_config(tmp_path, text, said):
    file = tmp_path / "job.yaml"
    file.write_text(text)
    message = refusal(file)
    assert message.startswith(str(file))
    assert said in message


def test_a_tab_is_called_a_tab(tmp_path):
    file = tmp_path / "job.yaml"
    file.write_text("name: job\nsource:\n\tkind: table\n")
    assert refusal(file).endswith("indent with spaces, not with tabs")


def test_files_that_cannot_be_read(tmp_path):
    assert "there is no such config file" in refusal(tmp_path / "none.yaml")
    assert "cannot be read as a text file" in refusal(tmp_path)
    (tmp_path / "job.yaml").write_bytes(b"name: \xff\xfe")
    assert "cannot be read as a text file" in refusal(tmp_path / "job.yaml")


def test_windows_files_are_read(tmp_path):
    file = tmp_path / "job.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + JOB.replace("\n", "\r\n").encode())
    assert load(file) == load(written(tmp_path))


def test_overrides_stand_over_the_file(tmp_path):
    words = [
        "h=7",
        "blocks=null",
        "source.path=a=b.csv",
        "calendar.region=BY",
        "models.2.lightgbm.trees=9",
        "level.0=50",
    ]
    config = load(written(tmp_path), parse_overrides(words))
    assert (config.h, config.block_ends, config.source.path) == (7, (1, 7), "a=b.csv")
    assert (config.calendar.country, config.calendar.region) == ("NO", "BY")
    assert config.models[2].options == {"trees": 9}
    assert config.level == (50, 95)


def test_an_override_makes_its_section(tmp_path):
    file = tmp_path / "job.yaml"
    file.write_text("name: job\nsource: {path: x.csv}\nfreq: 1d\nh: 7\nclean:\n")
    config = load(file, {"store.root": "s3://lake", "clean.outliers.rule": "none"})
    assert (config.store.root, config.clean.outliers.rule) == ("s3://lake", "none")


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("h=soon", "with override h: h: must be a whole number, and it is 'soon'"),
        ("h=", "with override h: h: must be a whole number, and it is empty"),
        ("hh=3", "with override hh: hh: is not a key of the config; did you mean `h`?"),
        (
            "store.bucket=3",
            "with override store.bucket: store.bucket: is not a key of the config; did you mean `buckets`?",
        ),
        ("clean={gap: zero}", "with override clean: clean.gap: is not a key of the config; did you mean `gaps`?"),
        ("source.columns.y=date", "with override source.columns.y: source.columns.y: date is also ds"),
        ("models=[ladder, foo]", "with override models: models.1: 'foo' is no model"),
        ("models.1=foo", "with override models.1: models.1: 'foo' is no model"),
        ("future.open=sometimes", "with override future.open: future.open: 'sometimes' is not a rule"),
        ("h.x=3", "override h.x: h is not a section of the config"),
        ("models.7.lightgbm=3", "override models.7.lightgbm: models.7 is not a section of the config"),
        ("level.2=99", "override level.2: level is a list of 2; count from 0, or set all of it"),
    ],
)
def test_a_mistake_in_an_override_names_it(tmp_path, word, said):
    assert said in refusal(written(tmp_path), parse_overrides([word]))


@pytest.mark.parametrize("word", ["h", "=3", "", "store.=3", ".h=3", "h=[1", "h={a: 1, a: 2}", "h=\t{"])
def test_a_word_that_sets_nothing(word):
    with pytest.raises(UserError, match=f"^override {re.escape(repr(word))}: "):
        parse_overrides([word])


def test_values_of_set_are_read_as_in_a_file():
    words = ["a=1e-3", "b=010", "c=true", "d=no", "e=2024-01-31", "f=", "g=[1, x]", "h=1:30"]
    assert parse_overrides(words) == {
        "a": 0.001, "b": 10, "c": True, "d": "no", "e": "2024-01-31", "f": None, "g": [1, "x"], "h": "1:30",
    }  # fmt: skip


def test_fault_names_the_nearest_line(tmp_path):
    file = written(tmp_path)
    config = load(file, {"store.root": "x"})
    assert config.file == str(file)
    for key, at in [("source.path", "path:"), ("columns.price", "price: price"), ("models.2.trees", "trees:")]:
        assert str(config.fault(key, "m")) == f"{file}, line {line_of(at)}: {key}: m"
    assert str(config.fault("source.options.seed", "m")).startswith(f"{file}, line {line_of('source:')}: ")
    assert str(config.fault("models.2.params.x", "m")).startswith(f"{file}, line {line_of('lightgbm')}: ")
    assert str(config.fault("store.root", "m")) == f"{file} with override store.root: store.root: m"
    assert str(config.fault("engine", "m")) == f"{file}: engine: m"


def through_json(config: Config) -> Config:
    return Config.model_validate_json(config.model_dump_json())


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_bundles_keep_the_config_whole(path):
    config = load(path)
    assert through_json(config) == config
    assert through_json(config).model_dump_json() == config.model_dump_json()
    assert through_json(config) != config.model_copy(update={"h": config.h + 1})


def test_a_whole_config_survives_json_and_other_processes(tmp_path):
    config = load(written(tmp_path))
    assert through_json(config) == config
    other = pickle.loads(pickle.dumps(config))  # how workers get it
    assert other == config
    assert str(other.fault("h", "m")) == str(config.fault("h", "m"))


values = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False)
values |= st.text("abc=: 0.1-", max_size=6)
values |= st.lists(values, max_size=2) | st.dictionaries(st.sampled_from(["a", "kind", "0"]), values, max_size=2)
keys = [
    ".".join(p) for p in [("h",), ("level",), ("level", "0"), ("limits", "dates"), ("store", "buckets"), ("future",)]
]
keys += [
    "models",
    "models.2.lightgbm",
    "source",
    "source.options",
    "columns",
    "columns.static",
    "clean.y_min",
    "blocks",
]


@given(st.sampled_from(keys), values)
def test_any_value_is_taken_whole_or_refused(key, value):
    """Never another exception, and what is taken survives JSON."""
    file = Path("job.yaml")
    file.write_text(JOB)
    try:
        config = load(file, {key: value})
    except UserError as e:
        assert "job.yaml" in str(e) or str(e).startswith("override")  # noqa: PT017
    else:
        assert through_json(config) == config


def keys_in(path: Path) -> Iterator[yaml.ScalarNode]:
    nodes = [yaml.compose(path.read_text())]
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.MappingNode):
            yield from (key for key, _ in node.value)
            nodes += [value for _, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            nodes += node.value


def used(path: Path) -> None:
    """Read a config and hand its free parts (options) to those who check them."""
    config = load(path)
    models.build(config)
    if config.source.kind == "synthetic":
        synthetic_options(config)
    if config.source.kind == "transactions":
        parse_options(config, Options)


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_a_lost_letter_in_any_key_is_found(path, tmp_path):
    text, file = path.read_text(), tmp_path / path.name
    tried = 0
    for key in keys_in(path):
        first, last = key.start_mark.index, key.end_mark.index - 1
        for at in {first, (first + last) // 2, last}:
            file.write_text(text[:at] + text[at + 1 :])
            with pytest.raises(UserError) as e:
                used(file)
            assert f"{file}, line {key.start_mark.line + 1}: " in str(e.value), (key.value, at, str(e.value))
            tried += 1
    assert tried > 40


def test_options_that_a_source_does_not_have(tmp_path):
    file = written(tmp_path, "  path: sales.csv\n", "  options: {sheet: 2}\n  path: sales.csv\n")
    with pytest.raises(UserError, match=r"job\.yaml, line 4: source\.options\.sheet: is not known: .* table takes no"):
        sources.load(load(file))


def test_a_model_named_like_a_rung_of_the_ladder(tmp_path):
    file = written(tmp_path, "stats: AutoETS", "naive: {class: Naive, name: Naive}")
    with pytest.raises(
        UserError, match=r"line 47: models\.1: the recipe has a Naive already: give this one another `name`"
    ):
        models.build(load(file))


@pytest.mark.parametrize(
    ("name", "family", "options"),
    [
        ("AutoETS", "stats", {"class": "AutoETS"}),
        ("LightGBM", "lightgbm", {}),
        ("Ensemble", "ensemble", {}),
        ("ladder", "naive", {}),
        ("lightgbm", "lightgbm", {}),
    ],
)
def test_a_model_by_its_name_alone(name, family, options):
    spec = ModelSpec.model_validate(name)
    assert (spec.family, spec.options) == (family, options)


def test_a_name_that_no_model_has(tmp_path):
    file = written(tmp_path, "stats: AutoETS", "AutoETSS")
    with pytest.raises(UserError, match=r"AutoETSS.*AutoETS"):
        models.build(load(file))
