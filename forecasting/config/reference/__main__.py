"""`python -m forecasting.config.reference > docs/CONFIG.md` writes the reference of all config keys."""

import sys

from forecasting.config.reference import reference

sys.stdout.write(reference())
