"""Ingestion: from the rows of the source to a published state of the panel, its series and its groups.

`load_state` begins and publishes a load, `landing` finds the new files of a folder, `contributions` adds up files with
lines of the same day, `align_types` casts rows to the stored types, `rebuild` and `incremental` merge them into the
panel, `series_statistics` makes the tables that follow from it, `volume` compares the load with the one before.
"""
