"""The features by DuckDB, all in one statement, which it runs on as many threads as there are processors.

python with_duckdb.py SALES OUT      (a Python that has duckdb; nothing else of this repository is used)
"""

from __future__ import annotations

import sys

QUERY = """
copy (
  select store, item, date,
    lag(units, 7) over series as lag_7, lag(units, 14) over series as lag_14, lag(units, 28) over series as lag_28,
    avg(units) over week as mean_7, stddev_samp(units) over week as std_7, max(units) over week as max_7,
    avg(units) over month as mean_28, stddev_samp(units) over month as std_28, max(units) over month as max_28,
    price / avg(price) over recent as price_to_mean,
    isodow(date) as weekday, month(date) as month
  from read_parquet('{sales}/*.parquet')
  window
    series as (partition by store, item order by date),
    week as (partition by store, item order by date rows between 13 preceding and 7 preceding),
    month as (partition by store, item order by date rows between 34 preceding and 7 preceding),
    recent as (partition by store, item order by date rows between 27 preceding and current row)
) to '{out}' (format parquet)
"""


def main() -> None:
    """Run the statement."""
    import duckdb

    sales, out = sys.argv[1:3]
    duckdb.sql(QUERY.format(sales=sales, out=out))


if __name__ == "__main__":
    main()
