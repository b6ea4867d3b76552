"""Draw every poster into the samples' folder, and a contact sheet of them all where one is asked for."""

import argparse
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

from PIL import Image

from scripts.draw_samples import classics, eighties, nineties, noughties, pioneers, tens
from scripts.draw_samples.canvas import HEIGHT, WIDTH, Canvas

FOLDER = Path(__file__).parents[2] / "worker" / "samples" / "posters"
MAX_BYTES = 38_000
SCENES: dict[str, Callable[[], Canvas]] = {
    scene.__name__.replace("_", "-"): scene
    for era in (pioneers, classics, eighties, nineties, noughties, tens)
    for scene in era.SCENES
}


def encoded(image: Image.Image) -> bytes:
    """A WebP of at most 38 kB, at the best quality that allows it."""
    for quality in range(88, 10, -4):
        out = BytesIO()
        image.save(out, "WEBP", quality=quality, method=6)
        if out.tell() <= MAX_BYTES:
            break
    return out.getvalue()


def sheet(images: list[Image.Image], columns: int = 8) -> Image.Image:
    """All posters on one page."""
    w, h, gap = WIDTH // 2, HEIGHT // 2, 12
    rows = -(-len(images) // columns)
    page = Image.new("RGB", (gap + columns * (w + gap), gap + rows * (h + gap)), "#808080")
    for i, image in enumerate(images):
        small = image.resize((w, h), Image.Resampling.LANCZOS)
        page.paste(small, (gap + i % columns * (w + gap), gap + i // columns * (h + gap)))
    return page


def main() -> None:
    """Draw what the command line asks for."""
    parser = argparse.ArgumentParser(description="Draw the posters of the sample movies.")
    parser.add_argument("names", nargs="*", help=f"only these: {', '.join(SCENES)}")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet, too")
    asked = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    images = []
    for name in asked.names or SCENES:
        images.append(SCENES[name]().finished())
        (FOLDER / f"{name}.webp").write_bytes(encoded(images[-1]))
    if asked.sheet:
        sheet(images).save(asked.sheet)


if __name__ == "__main__":
    main()
