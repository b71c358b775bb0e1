"""What every key of the config means: `reference` is the text of docs/CONFIG.md, `explain` the help on single keys.

Both are made from the declarations. `python -m forecasting.config.reference` prints the text.
"""

from forecasting.config.reference.document import FILE, reference, sections
from forecasting.config.reference.explain import KeyHelp, explain, top_level_keys

__all__ = ["FILE", "KeyHelp", "explain", "reference", "sections", "top_level_keys"]
