"""What the resources of the REST API share: the forecasts that are served now, problems, jobs, caches and counters.

The resources themselves are in dashboard/api/v1, one file each.
"""
