"""`make bench-response`: how well the response to price and promotion is estimated on chains whose truth is known.

`chains` draws them, `judge` holds estimates against the truth, `document` writes docs/RESPONSE.md; nothing is stored.

`real_chains` judges it on the data sets that lie beside the repository (`make bench-response-real`): `real_changes` by
prices that changed later, `real_plans` and `real_scenario` by promotions that a plan did not know.
"""
