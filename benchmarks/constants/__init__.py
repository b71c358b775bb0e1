"""Constants that were chosen on data at hand, and what they bring on data that did not choose them.

constants.yaml lists every number of recipe, combination and bounds with its candidates.
"""
