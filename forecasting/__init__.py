"""demandcast: sales and demand forecasting that runs in production."""

import os

# Threads that wait for each other sleep instead of spinning. On a machine where anything else runs, spinning made a
# LightGBM fit take 68 s instead of 5 s. Set before any library loads its OpenMP.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
