"""Some forty movies to try Marquee on, with no key and no network: `marquee demo` serves them as TMDB would.

Titles, years, ids and genres are those of the real movies; the plots are our own words and the posters were
drawn by `scripts/draw_samples`. On purpose, plots and posters are missing here and there.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
"""What `OfflineTmdb` serves."""
