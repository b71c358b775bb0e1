"""Help on keys of the config at the command line: every key has some, by the name that a user writes."""

import pytest

from flows import cli
from forecasting.config.keys import Keys
from forecasting.config.reference import explain, sections


def declared() -> list[str]:
    below = [f"{path}.{name}" for path, section in sections("", Keys) for name in section.model_fields]
    return [*Keys.model_fields, *below]


@pytest.mark.parametrize("key", declared())
def test_every_key_is_explained(key):
    entry, *below = explain(key)
    assert entry.key == key
    assert entry.description
    assert all(found.key.replace("[]", "").startswith(key.replace("[]", "")) for found in below)


def test_keys_of_named_and_numbered_entries_are_found():
    assert explain("tables.prices.on")[0].key == "tables.<name>.on"
    assert explain("models.0.most")[0].key == explain("models.most")[0].key == "models[].most"


def test_the_command_prints_meaning_values_and_default(capsys):
    cli.main(["explain-config", "clean.gaps"])
    out = capsys.readouterr().out
    for words in ("A period without a row", "one of `missing`, `zero`", '"missing"', "the next load builds it again"):
        assert words in out
    cli.main(["explain-config"])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(Keys.model_fields)


@pytest.mark.parametrize(("wrong", "meant"), [("y_min", "clean.y_min"), ("clean.gap", "clean.gaps")])
def test_a_key_that_does_not_exist_is_refused_with_the_nearest(wrong, meant, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["explain-config", wrong])
    assert stopped.value.code == 2
    assert f"did you mean {meant}" in capsys.readouterr().err
