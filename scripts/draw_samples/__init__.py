"""The posters of the sample movies, drawn anew: `python -m scripts.draw_samples [--sheet FILE]`.

Every motif is our own; none shows a person's likeness, a logo or a frame of the movie.
"""
