"""Marquee's tests, laid out by what they start: nothing (`unit`), real servers (`integration`), the whole (`end_to_end`)."""
