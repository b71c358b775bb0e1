"""The tables at the places of a source: which of them hold the sales, what their headers mean, which are joined."""
