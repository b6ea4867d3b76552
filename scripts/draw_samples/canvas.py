"""A canvas of 500 × 750 units for flat, grainy posters: shapes, light, weather, figures and lettering.

Everything is drawn at twice the size and scaled down at the end. All chance comes from one seeded source, so
the same script draws the same poster.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from math import cos, pi, radians, sin
from pathlib import Path

import matplotlib as mpl
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

WIDTH, HEIGHT, SCALE = 500, 750, 2
Point = tuple[float, float]

FACES = {
    "sans": "",  # the font that comes with Pillow
    "bold": "DejaVuSans-Bold.ttf",
    "serif": "STIXGeneralBol.ttf",
    "italic": "STIXGeneralBolIta.ttf",
    "slab": "DejaVuSerif-Bold.ttf",
    "mono": "DejaVuSansMono-Bold.ttf",
}


@cache
def font(face: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A face in a size; the faces are those that Pillow and matplotlib bring along."""
    if not FACES[face]:
        return ImageFont.load_default(size)
    return ImageFont.truetype(Path(mpl.get_data_path()) / "fonts" / "ttf" / FACES[face], size)


def rgb(color: str, alpha: float = 1.0) -> tuple[int, int, int, int]:
    """`#rrggbb` with an alpha from 0 to 1."""
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16), round(255 * alpha)


def curve(*points: Point, steps: int = 24) -> list[Point]:
    """A smooth line through the points (Catmull–Rom)."""
    padded = np.array([points[0], *points, points[-1]], dtype=float)
    line: list[Point] = []
    for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for t in np.linspace(0, 1, steps, endpoint=False):
            at = 2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
            line.append((float(at[0]) / 2, float(at[1]) / 2))
    return [*line, points[-1]]


def around(cx: float, cy: float, r: float, degrees: float, ry: float | None = None) -> Point:
    """The point of a circle (or of an ellipse) at an angle; 0 is to the right, 90 is down."""
    return cx + r * cos(radians(degrees)), cy + (r if ry is None else ry) * sin(radians(degrees))


class Canvas:
    """A poster that is being drawn."""

    def __init__(self, top: str, bottom: str | None = None, *, seed: int = 1) -> None:
        self.chance = np.random.default_rng(seed)
        self.image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE))
        self._renew()
        self.gradient(top, bottom or top)

    def _renew(self) -> None:
        self._draw = ImageDraw.Draw(self.image, "RGBA")

    # Shapes

    def poly(self, points: Iterable[Point], color: str, alpha: float = 1.0) -> None:
        """A filled polygon."""
        self._draw.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=rgb(color, alpha))

    def rect(self, x: float, y: float, w: float, h: float, color: str, alpha: float = 1.0) -> None:
        """A filled rectangle."""
        self.poly([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], color, alpha)

    def ellipse(self, cx: float, cy: float, rx: float, ry: float, color: str, alpha: float = 1.0) -> None:
        """A filled ellipse."""
        box = [(cx - rx) * SCALE, (cy - ry) * SCALE, (cx + rx) * SCALE, (cy + ry) * SCALE]
        self._draw.ellipse(box, fill=rgb(color, alpha))

    def circle(self, cx: float, cy: float, r: float, color: str, alpha: float = 1.0) -> None:
        """A filled circle."""
        self.ellipse(cx, cy, r, r, color, alpha)

    def ring(self, cx: float, cy: float, r: float, width: float, color: str, alpha: float = 1.0) -> None:
        """A circle's outline."""
        self.arc(cx, cy, r, 0, 360, width, color, alpha)

    def arc(
        self, cx: float, cy: float, r: float, start: float, end: float, width: float, color: str,
        alpha: float = 1.0,
    ) -> None:  # fmt: skip
        """A part of a circle's outline, by angles; `r` is its outer edge."""
        box = [(cx - r) * SCALE, (cy - r) * SCALE, (cx + r) * SCALE, (cy + r) * SCALE]
        self._draw.arc(box, start, end, fill=rgb(color, alpha), width=round(width * SCALE))

    def line(self, points: Sequence[Point], width: float, color: str, alpha: float = 1.0) -> None:
        """A line with round joints."""
        scaled = [(x * SCALE, y * SCALE) for x, y in points]
        self._draw.line(scaled, fill=rgb(color, alpha), width=max(1, round(width * SCALE)), joint="curve")

    # Light

    def gradient(
        self, top: str, bottom: str, y: float = 0, h: float = HEIGHT, *, alphas: tuple[float, float] = (1, 1)
    ) -> None:
        """A band that goes from one colour to another, downwards."""
        rows = round(h * SCALE)
        t = np.linspace(0, 1, rows)[:, None]
        ends = [
            np.array(rgb(color, alpha), dtype=float)
            for color, alpha in zip((top, bottom), alphas, strict=True)
        ]
        band = Image.fromarray((ends[0] * (1 - t) + ends[1] * t).round().astype(np.uint8)[:, None, :], "RGBA")
        band = band.resize((WIDTH * SCALE, rows))
        self.image.paste(band, (0, round(y * SCALE)), band)
        self._renew()

    def glow(self, cx: float, cy: float, r: float, color: str, alpha: float = 0.8) -> None:
        """Soft light around a point."""
        y, x = np.mgrid[0 : HEIGHT * SCALE : 4, 0 : WIDTH * SCALE : 4] / SCALE
        near = np.clip(1 - np.hypot(x - cx, y - cy) / r, 0, 1) ** 2 * 255 * alpha
        mask = Image.fromarray(near.astype(np.uint8)).resize(self.image.size, Image.Resampling.BICUBIC)
        self.image.paste(Image.new("RGB", self.image.size, rgb(color)[:3]), (0, 0), mask)
        self._renew()

    def rays(
        self, cx: float, cy: float, count: int, color: str, alpha: float = 0.2, *, r: float = 1000,
        turn: float = 0,
    ) -> None:  # fmt: skip
        """Beams from a point in all directions, as wide as the gaps."""
        step = 360 / count
        for i in range(count):
            a = turn + i * step
            self.poly([(cx, cy), around(cx, cy, r, a), around(cx, cy, r, a + step / 2)], color, alpha)

    def blur(self, radius: float) -> None:
        """Blur all that is drawn so far."""
        self.image = self.image.filter(ImageFilter.GaussianBlur(radius * SCALE))
        self._renew()

    # Landscape and weather

    def hills(self, y: float, height: float, color: str, *, waves: float = 2.0, alpha: float = 1.0) -> None:
        """A ridge around a level, filled downwards."""
        x = np.linspace(0, WIDTH, 126)
        ridge = np.zeros_like(x)
        for k in range(1, 5):
            phase = self.chance.uniform(0, 2 * pi)
            ridge += np.sin(2 * pi * waves * k * x / WIDTH + phase) / k**1.4
        line = zip(x.tolist(), (y - height * ridge / 1.6).tolist(), strict=True)
        self.poly([*line, (WIDTH, HEIGHT), (0, HEIGHT)], color, alpha)

    def skyline(
        self, y: float, heights: tuple[float, float], color: str, *, widths: tuple[float, float] = (24, 60),
        lit: str | None = None, share: float = 0.3, bottom: float = HEIGHT,
    ) -> None:  # fmt: skip
        """Houses with flat roofs, side by side; some of the windows may be lit."""
        x = -10.0
        while x < WIDTH:
            w, h = self.chance.uniform(*widths), self.chance.uniform(*heights)
            self.rect(x, y - h, w + 1, bottom - y + h, color)
            for wx in np.arange(x + 5, x + w - 5, 8) if lit else ():
                for wy in np.arange(y - h + 8, bottom - 8, 11):
                    if lit and self.chance.random() < share:
                        self.rect(float(wx), float(wy), 3.5, 5.5, lit, float(self.chance.uniform(0.4, 0.95)))
            x += w

    def dots(
        self, count: int, color: str, *, sizes: tuple[float, float] = (0.5, 1.6), top: float = 0,
        bottom: float = HEIGHT, alpha: float = 0.9,
    ) -> None:  # fmt: skip
        """Stars, snow or dust."""
        for _ in range(count):
            x, y = self.chance.uniform(0, WIDTH), self.chance.uniform(top, bottom)
            self.circle(x, y, self.chance.uniform(*sizes), color, alpha * self.chance.uniform(0.3, 1))

    def rain(
        self, count: int, color: str, *, slant: float = -8, length: float = 34, alpha: float = 0.35
    ) -> None:
        """Rain."""
        for _ in range(count):
            x, y = self.chance.uniform(-20, WIDTH + 20), self.chance.uniform(-30, HEIGHT)
            part = self.chance.uniform(0.5, 1)
            self.line([(x, y), (x + slant * part, y + length * part)], 1, color, alpha * part)

    def bare_tree(self, x: float, y: float, length: float, angle: float, width: float, color: str) -> None:
        """A tree without leaves, branch by branch."""
        if length < 6:
            return
        x2, y2 = around(x, y, length, angle)
        self.line([(x, y), (x2, y2)], width, color)
        for turn in (-1, 1):
            bend = turn * self.chance.uniform(12, 38)
            self.bare_tree(
                x2, y2, length * self.chance.uniform(0.62, 0.82), angle + bend, width * 0.66, color
            )

    # Figures

    def person(
        self, x: float, y: float, h: float, color: str, *, coat: float = 0.2, legs: float = 0.1,
        hat: bool = False,
    ) -> None:  # fmt: skip
        """Somebody who stands, seen from afar: `y` is the ground, `h` the height, the rest shares of it."""
        head = 0.075 * h
        self.circle(x, y - h + head, head, color)
        hem = y - 0.32 * h
        self.poly(
            [(x - 0.045 * h, y - 0.87 * h), (x + 0.045 * h, y - 0.87 * h), (x + 0.13 * h, y - 0.8 * h),
             (x + 0.15 * h, y - 0.5 * h), (x + coat * h / 1.6, hem), (x - coat * h / 1.6, hem),
             (x - 0.15 * h, y - 0.5 * h), (x - 0.13 * h, y - 0.8 * h)], color,
        )  # fmt: skip
        for side in (-1, 1):
            foot = x + side * legs * h
            self.poly(
                [(x, hem - 2), (x + side * 0.1 * h, hem - 2), (foot + side * 3, y), (foot - side * 5, y)],
                color,
            )
        if hat:
            self.ellipse(x, y - h + head * 0.5, head * 2.4, head * 0.4, color)
            self.rect(x - head * 1.05, y - h - head * 0.9, head * 2.1, head * 1.5, color)

    # Lettering

    def text(
        self, text: str, x: float, y: float, size: float, color: str, *, face: str = "sans",
        width: float | None = None, tracking: float = 0.0, alpha: float = 1.0, anchor: float = 0.5,
        weight: float = 0,
    ) -> None:  # fmt: skip
        """One line; `size` is the height of a capital, `width` squeezes or stretches it.

        `x` is the middle for an `anchor` of 0.5, the left edge for 0, the right edge for 1; `y` is the top.
        """
        big = font(face, 240)
        stroke = round(weight * 24)
        advance, spaces = 20.0, []
        for letter in text:
            spaces.append(advance)
            advance += big.getlength(letter) + 240 * tracking
        mask = Image.new("L", (max(1, round(advance - 240 * tracking + 40)), 420), 0)
        draw = ImageDraw.Draw(mask)
        for letter, at in zip(text, spaces, strict=True):
            draw.text((at, 300), letter, fill=255, font=big, anchor="ls", stroke_width=stroke)
        left, _, right, _ = mask.getbbox() or (0, 0, 1, 1)
        cap = -big.getbbox("H", anchor="ls")[1]
        zoom = size / cap
        w = width or (right - left) * zoom
        pad = 300 - cap
        cut = mask.crop((left, 0, right, 420)).resize(
            (max(1, round(w * SCALE)), max(1, round(420 * zoom * SCALE))), Image.Resampling.LANCZOS
        )
        cut = cut.point(lambda value: round(value * alpha))
        at_x, at_y = (x - w * anchor) * SCALE, (y - pad * zoom) * SCALE
        self.image.paste(Image.new("RGB", cut.size, rgb(color)[:3]), (round(at_x), round(at_y)), cut)
        self._renew()

    def title(
        self, lines: Sequence[str], y: float, color: str, *, face: str = "sans", size: float = 30,
        width: float = 400, tracking: float = 0.12, note: str = "", x: float = 250, anchor: float = 0.5,
        weight: float = 0,
    ) -> None:  # fmt: skip
        """The title, each line at most `width` wide, and a small note (the year) below it."""
        for line in lines:
            probe = font(face, 240)
            natural = sum(probe.getlength(letter) + 240 * tracking for letter in line) - 240 * tracking
            natural *= size / -probe.getbbox("H", anchor="ls")[1]
            squeezed = width if natural > width else None
            self.text(
                line,
                x,
                y,
                size,
                color,
                face=face,
                width=squeezed,
                tracking=tracking,
                anchor=anchor,
                weight=weight,
            )
            y += size * 1.42
        if note:
            self.text(note, x, y + 4, 9, color, tracking=0.45, alpha=0.85, anchor=anchor)

    # The end

    def frame(self, color: str, alpha: float = 0.7, inset: float = 16, width: float = 1.5) -> None:
        """A thin line around the picture."""
        a, b, c, d = inset, inset, WIDTH - inset, HEIGHT - inset
        self.line([(a, b), (c, b), (c, d), (a, d), (a, b - width / 2)], width, color, alpha)

    def finished(self, grain: float = 5.0, vignette: float = 0.25) -> Image.Image:
        """The poster at its final size, with the grain of print and darker corners."""
        small = self.image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
        pixels = np.asarray(small).astype(np.float32)
        y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
        far = np.hypot((x - WIDTH / 2) / WIDTH, (y - HEIGHT / 2) / HEIGHT) / 0.7071
        pixels *= (1 - vignette * far[..., None] ** 3).astype(np.float32)
        noise = Image.fromarray(self.chance.normal(128, 40, (HEIGHT, WIDTH)).clip(0, 255).astype(np.uint8))
        soft = np.asarray(noise.filter(ImageFilter.GaussianBlur(0.7))).astype(np.float32) - 128
        pixels += soft[..., None] * grain / 20
        return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
