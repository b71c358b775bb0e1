"""`python -m benchmarks.leaderboard`: arguments are those of bench.main."""

from benchmarks.leaderboard.bench import main

if __name__ == "__main__":
    main()
