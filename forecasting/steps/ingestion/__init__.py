"""One load, from checked rows to a published state of the panel, its series and its groups.

`state` begins and publishes a load, `landing` says which files of a folder are new, `additive` adds up what several
files say of a day, `fitting` makes rows fit to those of earlier loads, `panel` merges them, `facts` tells the series
and sums the groups.
"""
