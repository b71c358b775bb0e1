"""`make bench-response`: how well the response to price and promotion is estimated on chains whose truth is known.

`chains` draws them, `judge` holds estimates against the truth, `document` writes docs/RESPONSE.md; nothing is stored.
"""
