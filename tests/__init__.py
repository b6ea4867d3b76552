"""Marquee's tests, laid out by what they start: nothing (`unit`), servers (`integration`), the whole."""
