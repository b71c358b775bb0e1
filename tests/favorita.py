"""A small chain of groceries in the layout of the competition: made-up numbers, the rules of the real files."""

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random

START, DAYS, COMING = date(2016, 12, 20), 40, 16
FIRST_PROMOTION_DAY = date(2016, 12, 26)
"""Earlier lines have no value in the promotion column."""

STORES = """\
store_nbr,city,state,type,cluster
1,Quito,Pichincha,D,13
2,Quito,Pichincha,A,8
3,Guayaquil,Guayas,B,6
4,Cuenca,Azuay,B,6
"""
ITEMS = """\
item_nbr,family,class,perishable
96995,GROCERY I,1093,0
103665,BREAD/BAKERY,2712,1
105574,DAIRY,2114,1
"""
HOLIDAYS = """\
date,type,locale,locale_name,description,transferred
2016-12-25,Holiday,National,Ecuador,Navidad,False
2016-12-26,Bridge,National,Ecuador,Puente Navidad,False
2016-12-31,Work Day,National,Ecuador,Recupero Puente Navidad,False
2017-01-01,Holiday,National,Ecuador,Primer dia del ano,True
2017-01-02,Transfer,National,Ecuador,Traslado Primer dia del ano,False
2017-01-05,Holiday,Regional,Pichincha,Provincializacion de Pichincha,False
2017-01-06,Holiday,Local,Quito,Fundacion de Quito,False
2017-01-06,Holiday,Local,Guayaquil,Fundacion de Guayaquil,True
2017-01-07,Additional,Local,Quito,Fundacion de Quito-1,False
2017-01-07,Event,National,Ecuador,Black Friday,False
2017-01-08,Holiday,National,Ecuador,Batalla,False
2017-01-08,Holiday,Local,Cuenca,Fundacion de Cuenca,False
2017-02-03,Event,National,Ecuador,Cyber Monday,False
"""


@dataclass(frozen=True)
class Chain:
    """What was written: the lines of train.csv and test.csv as they are in the files, and the oil prices by day."""

    folder: Path
    train: list[dict[str, str]]
    test: list[dict[str, str]]
    oil: dict[date, float | None]


def write(folder: Path) -> Chain:
    """The seven files; four of ten days have no line, one in twenty lines has more returns than sales."""
    random, stores, items = Random(5), range(1, 5), (96995, 103665, 105574)
    days = [START + timedelta(i) for i in range(DAYS + COMING)]
    train, test = [], []
    for day in days:
        for store in stores:
            for item in items:
                keys = {"date": str(day), "store_nbr": str(store), "item_nbr": str(item)}
                promo = str(random.random() < 0.2)
                if day >= START + timedelta(DAYS):
                    test.append(keys | {"onpromotion": promo})
                elif random.random() < 0.6:
                    units = -1.0 if random.random() < 0.05 else round(random.expovariate(0.2), 3)
                    cell = promo if day >= FIRST_PROMOTION_DAY else ""
                    train.append(keys | {"unit_sales": str(units), "onpromotion": cell})
    oil = {d: None if random.random() < 0.2 else round(random.uniform(48, 54), 2) for d in days if d.weekday() < 5}
    oil[START] = None
    lines = {
        "train.csv": table(train),
        "test.csv": table(test),
        "stores.csv": STORES,
        "items.csv": ITEMS,
        "holidays_events.csv": HOLIDAYS,
        "oil.csv": table(
            [{"date": str(d), "dcoilwtico": "" if p is None else str(p)} for d, p in oil.items()], ids=False
        ),
        "transactions.csv": table(
            [
                {"date": str(d), "store_nbr": str(s), "transactions": str(100 * s + d.day)}
                for d in days[:DAYS]
                for s in stores
            ],
            ids=False,
        ),
    }
    for name, text in lines.items():
        (folder / name).write_text(text)
    return Chain(folder, train, test, oil)


def table(rows: list[dict[str, str]], *, ids: bool = True) -> str:
    """Comma-separated text; with the running number that the competition's sales have."""
    head = [*(["id"] if ids else []), *rows[0]]
    body = [",".join([*([str(i)] if ids else []), *row.values()]) for i, row in enumerate(rows)]
    return "\n".join([",".join(head), *body]) + "\n"
