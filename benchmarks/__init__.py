"""The programs behind `docs/benchmarks.md`: each is one command, and prints the machine with its figures."""
