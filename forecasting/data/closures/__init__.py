"""Periods in which nothing can be sold: closed weekdays, months and every other week, and series that have ended.

`Closures` (in closures) marks them in the rows of a cut; `rhythm` finds the phases of a cycle in which no row ever
comes, `ended` the series of which no row comes any more; `cycles` are the cycles by frequency, and their names.
"""
