"""The estimator of responses: arrays of sales and levers in, effects by series with their covariances out.

`estimate` (module estimate) fits controls and effects in turns; the other modules are its parts. No frames, no config.
"""
