"""Forecasts on request, one row or many: what a request asks for is checked, answered and logged here.

`Served` holds what all of it works on, and is kept from one request to the next.
"""
