"""`python -m benchmarks.accuracy`: arguments are those of bench.main."""

from benchmarks.accuracy.bench import main

if __name__ == "__main__":
    main()
