"""demandcast: sales and demand forecasting that runs in production."""

import os

# How long OpenMP's threads spin before they sleep while waiting for each other. By default they spin so long that a
# LightGBM fit takes tens of times as long when anything else runs on the machine; asleep at once, it takes four times
# as long when nothing does. Set before any library loads its OpenMP.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

# The same holds of the threads of numpy's matrix products, which are small here: one thread takes a second where two
# that wait for each other on a busy machine take half a minute.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
