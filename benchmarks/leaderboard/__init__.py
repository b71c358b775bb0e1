"""Where the default recipe would stand on a public leaderboard: `make bench-leaderboard`."""
