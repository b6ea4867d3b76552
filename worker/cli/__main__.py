"""`python -m worker.cli` is `marquee`."""

from worker.cli import main

main()
