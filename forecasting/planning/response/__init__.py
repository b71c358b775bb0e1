"""The response of sales to price and promotion: how it is estimated of a history, and what an edited plan gives.

`learn_levers` (history) takes a Cut and returns the table `levers`; `response_factors` (answer) takes planned and
edited rows and that table, and returns factors. What is estimated is an association in what was sold, held against
season, trend, common days and the other levers; nothing here says what caused what.
"""
