"""The features by PySpark on this machine, with as many workers as there are processors.

python with_spark.py SALES OUT      (a Python that has pyspark, and Java; nothing else of this repository is used)
"""

from __future__ import annotations

import sys


def main() -> None:
    """Read, make the features, write."""
    from pyspark.sql import SparkSession, Window
    from pyspark.sql import functions as f

    sales, out = sys.argv[1:3]
    settings = {"spark.driver.memory": "8g", "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "16"}
    builder = SparkSession.builder.master("local[*]").appName("features")
    for key, value in settings.items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    series = Window.partitionBy("store", "item").orderBy("date")
    rows = spark.read.parquet(sales)
    made = [f.lag("units", n).over(series).alias(f"lag_{n}") for n in (7, 14, 28)]
    for n in (7, 28):
        window = series.rowsBetween(-6 - n, -7)
        made += [
            f.avg("units").over(window).alias(f"mean_{n}"),
            f.stddev_samp("units").over(window).alias(f"std_{n}"),
            f.max("units").over(window).alias(f"max_{n}"),
        ]
    recent = series.rowsBetween(-27, 0)
    made.append((f.col("price") / f.avg("price").over(recent)).alias("price_to_mean"))
    made += [(f.weekday("date") + 1).alias("weekday"), f.month("date").alias("month")]
    rows.select("store", "item", "date", *made).write.parquet(out)
    spark.stop()


if __name__ == "__main__":
    main()
