"""Edits and conditions as people write them, turned into those over the panel: by the names of its columns.

`edit_over_panel` takes an Edit and the Config and returns the Edit, `condition_over_panel` does so with an SQL
condition. People name a column as their files do, also that of the series, the date and the sales.
"""

from __future__ import annotations

import re
from dataclasses import replace

from forecasting.config import Config
from forecasting.data.edits import Edit

WORDS = re.compile(r"""'(?:[^']|'')*'|"(?P<quoted>(?:[^"]|"")*)"|(?P<bare>[^\W\d]\w*)(?!\s*['(])""")
"""Texts, which stay as they are; names in quotes; and words that are no functions and introduce no date."""
CLAUSES = "select from where group order by having limit union all distinct join left right on as asc desc table user"
"""Words of SQL that mean a column where one has this name: no condition needs them otherwise."""


def edit_over_panel(edit: Edit, config: Config) -> Edit:
    """The edit of the panel's column, on rows of the panel."""
    column = config.panel_names.get(edit.column, edit.column)
    return replace(edit, column=column, where=condition_over_panel(edit.where, config))


def condition_over_panel(where: str | None, config: Config) -> str | None:
    """The SQL condition with the names that columns have in the panel; None stays None.

    >>> from forecasting.config import Config
    >>> columns = {"unique_id": "item", "ds": "day", "y": "units"}
    >>> config = Config(name="a", source={"columns": columns}, freq="1d", h=7, columns={"static": ["version"]})
    >>> print(condition_over_panel("item = 'version' and version > 1", config))
    "unique_id" = 'version' and "user::version" > 1
    """
    names = config.panel_names

    def renamed(found: re.Match[str]) -> str:
        name = found["bare"] if found["quoted"] is None else found["quoted"].replace('""', '"')
        known = names.get(name or "", name)
        kept = known == name and (known not in names or name.lower() not in CLAUSES.split())
        return found[0] if name is None or kept else '"' + str(known).replace('"', '""') + '"'

    return None if where is None else WORDS.sub(renamed, where)
