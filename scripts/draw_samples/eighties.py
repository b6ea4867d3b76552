"""Posters for movies of the 1980s."""

# fmt: off

from scripts.draw_samples.canvas import Canvas, around, curve


def das_boot() -> Canvas:
    """A submarine deep below the hunter's keel."""
    c = Canvas("#93a5a3", "#c7cdbf", seed=81)
    c.poly([(300, 150), (470, 150), (448, 186), (318, 186)], "#2c3a3d")
    c.rect(360, 118, 46, 34, "#2c3a3d")
    c.line([(384, 120), (384, 80)], 3, "#2c3a3d")
    c.line([(330, 148), (300, 132)], 4, "#2c3a3d")
    c.gradient("#3d7377", "#04141b", 180, 570)
    c.line(curve((0, 184), (90, 176), (180, 186), (260, 178), (350, 187), (430, 177), (500, 184)), 4,
            "#dfe6da", 0.8)
    c.rays(384, 180, 30, "#cfe9e0", 0.05, r=620, turn=4)
    for x, y in ((330, 262), (380, 316), (300, 350), (420, 388)):
        c.rect(x, y, 14, 22, "#0a1d22")
        c.line([(x + 7, y), (x + 7, y - 34)], 1, "#dfe6da", 0.35)
    c.glow(130, 400, 90, "#f2a541", 0.9)
    c.circle(130, 400, 14, "#ffe3a1")
    dark = "#020b10"
    c.poly(curve((34, 512), (80, 490), (180, 482), (320, 484), (430, 494), (478, 510), (430, 528), (300,
            540), (150, 538), (70, 528), (34, 512)), dark)
    c.poly([(220, 486), (228, 440), (290, 440), (304, 486)], dark)
    c.rect(252, 392, 5, 52, dark)
    c.rect(266, 412, 4, 32, dark)
    c.line([(60, 500), (236, 442), (290, 442), (452, 500)], 1.2, dark)
    c.line([(130, 484), (150, 470), (172, 484)], 6, dark)
    for x in range(110, 430, 24):
        c.circle(x, 512, 2, "#f2a541", 0.85)
    c.dots(50, "#dfe6da", sizes=(1, 3), top=420, bottom=640, alpha=0.3)
    c.title(["DAS BOOT"], 640, "#dfe6da", face="slab", size=42, width=400, tracking=0.08, note="1981")
    return c


def blade_runner() -> Canvas:
    """A car above a city of rain and neon."""
    c = Canvas("#120b2e", "#d5436b", seed=82)
    c.glow(330, 420, 330, "#ff9a62", 0.8)
    c.skyline(560, (190, 360), "#3b1d52", widths=(50, 90))
    c.skyline(620, (150, 330), "#22123d", widths=(40, 80), lit="#ffb36b", share=0.18)
    c.poly([(60, 620), (110, 250), (210, 250), (262, 620)], "#150a28")
    for y in range(268, 610, 15):
        half = 42 + (y - 250) * 0.14
        for x in range(int(160 - half), int(160 + half), 11):
            if c.chance.random() < 0.4:
                c.rect(x, y, 5, 5, "#ffcf7d", float(c.chance.uniform(0.3, 0.95)))
    c.skyline(700, (60, 220), "#0b0518", widths=(36, 80), lit="#3ee6e0", share=0.16)
    for x, y, w, h, color in ((392, 440, 20, 120, "#3ee6e0"), (34, 500, 16, 90, "#ff3f8e"), (296, 540, 60,
            14, "#ff3f8e")):
        c.glow(x + w / 2, y + h / 2, 90, color, 0.7)
        c.rect(x, y, w, h, color, 0.95)
    for start, tint in ((150, "#e7f6ff"), (186, "#e7f6ff")):
        c.poly([(318, start + 26), (20, start + 120), (20, start + 176)], tint, 0.12)
    c.poly(curve((306, 196), (330, 172), (372, 160), (420, 166), (452, 188), (446, 206), (390, 214), (330,
            212), (306, 196)), "#080414")
    c.poly([(344, 172), (374, 163), (406, 168), (412, 182), (350, 186)], "#3ee6e0", 0.75)
    c.circle(316, 197, 6, "#ffffff")
    c.circle(446, 196, 5, "#ff3f5e")
    c.rain(240, "#ffd7ea", slant=-6, alpha=0.3)
    c.gradient("#0b0518", "#0b0518", 600, 150, alphas=(0, 1))
    c.title(["BLADE RUNNER"], 664, "#ffe6f0", face="italic", size=34, width=410, tracking=0.08, note="1982")
    return c


def this_is_spinal_tap() -> Canvas:
    """An amplifier's dial that goes one further."""
    c = Canvas("#16121a", "#2a1a24", seed=84)
    for x, color in ((70, "#e4397f"), (250, "#f7b32b"), (430, "#7a4ff0")):
        c.poly([(x - 10, 0), (x + 10, 0), (x + (250 - x) * 0.5 + 130, 560), (x + (250 - x) * 0.5 - 130,
                560)], color, 0.2)
    c.rect(60, 150, 380, 400, "#0c0a0d")
    c.rect(72, 162, 356, 376, "#1d191f")
    c.rect(72, 162, 356, 64, "#c9a24b")
    for i in range(5):
        c.circle(110 + i * 46, 194, 13, "#17131a")
        c.line([(110 + i * 46, 194), around(110 + i * 46, 194, 12, 210 + i * 55)], 2.5, "#f6ead0")
    c.circle(398, 194, 6, "#ff3b30")
    c.glow(398, 194, 40, "#ff3b30", 0.7)
    for y in range(236, 536, 7):
        for x in range(78 + (y // 7) % 2 * 4, 426, 8):
            c.circle(x, y, 1.5, "#332c36")
    c.circle(250, 386, 116, "#0c0a0d")
    c.ring(250, 386, 116, 4, "#c9a24b")
    for i in range(12):
        a = 120 + i * 27.2
        c.text(str(i), *around(250, 380, 96, a), 11, "#ff3b30" if i == 11 else "#f6ead0", face="bold")
    c.circle(250, 386, 66, "#c9a24b")
    c.circle(250, 386, 58, "#17131a")
    c.line([(250, 386), around(250, 386, 60, 120 + 11 * 27.2)], 7, "#ff3b30")
    c.title(["THIS IS", "SPINAL TAP"], 592, "#f6ead0", face="slab", size=34, width=380, tracking=0.06,
            note="1984")
    return c


def my_neighbor_totoro() -> Canvas:
    """A huge camphor tree on a summer hill, and a very small umbrella."""
    x: float
    y: float
    c = Canvas("#86c5da", "#e8f3d6", seed=88)
    for x, y, s in ((90, 120, 1.0), (400, 90, 0.8), (330, 190, 0.55)):
        for dx, dy, r in ((-44, 8, 24), (-12, -8, 34), (26, 0, 28), (52, 12, 18)):
            c.circle(x + dx * s, y + dy * s, r * s, "#ffffff", 0.85)
    c.hills(520, 30, "#9ccb6b", waves=0.9)
    c.poly(curve((214, 560), (232, 480), (226, 400), (280, 400), (274, 480), (300, 566)), "#6b4a2f")
    for side in (-1, 1):
        c.line([(252, 440), (252 + side * 60, 360)], 15, "#6b4a2f")
    for shade, spread, count in (("#2f6b3c", 1.0, 30), ("#3f8a4a", 0.86, 30), ("#5aa85a", 0.7, 24),
            ("#7cc26e", 0.5, 16)):
        for _ in range(count):
            a, r = c.chance.uniform(0, 360), c.chance.uniform(0, 1) ** 0.5
            x, y = around(252, 308 - (1 - spread) * 46, 148 * r * spread, a, 118 * r * spread)
            c.circle(x, y, float(c.chance.uniform(26, 44)) * spread, shade)
    c.hills(588, 18, "#74b04f", waves=1.2)
    c.hills(640, 14, "#4f8f3c", waves=1.7)
    for _ in range(160):
        x, y = c.chance.uniform(0, 500), c.chance.uniform(570, 750)
        c.line([(x, y), (x + c.chance.uniform(-3, 3), y - 9)], 1.4, "#a5d06a", 0.8)
    c.poly([around(372, 556, 24, a) for a in range(180, 361, 6)], "#d7263d")
    c.line([(372, 532), (372, 590)], 2, "#3b2a22")
    c.circle(366, 570, 6, "#3b2a22")
    c.poly([(358, 602), (366, 574), (376, 602)], "#f4c430")
    for x, y in ((414, 600), (430, 604), (442, 600)):
        c.circle(x, y, 4.5, "#20262b")
    c.title(["MY NEIGHBOR", "TOTORO"], 642, "#fffbe8", size=30, width=380, tracking=0.14, note="1988",
            weight=0.35)
    return c


def die_hard() -> Canvas:
    """A tower by night, its top on fire."""
    x: float
    y: float
    c = Canvas("#0b1026", "#27325c", seed=8)
    c.dots(70, "#dfe7ff", bottom=300)
    c.glow(250, 210, 330, "#ff5a1f", 0.95)
    c.glow(250, 200, 150, "#ffe08a", 1.0)
    for color, r in (("#d7301f", 104), ("#f46d1f", 82), ("#fdbb2f", 56), ("#fff3b0", 30)):
        reach = c.chance.uniform(0.62, 1.25, 30)
        c.poly([around(250, 216, r * float(reach[i]), i * 12) for i in range(30)], color)
    c.skyline(690, (40, 170), "#131a38", widths=(30, 70), lit="#f7d774", share=0.16)
    c.poly([(150, 750), (168, 236), (332, 236), (350, 750)], "#070b1c")
    c.poly([(332, 236), (350, 750), (392, 750), (362, 250)], "#121a3c")
    for row, y in enumerate(range(252, 640, 13)):
        half = 76 + row * 0.45
        for i in range(11):
            if c.chance.random() < 0.3:
                x = 250 - half + 6 + i * (2 * half - 12) / 11
                c.rect(x, y, 10, 6, "#f7d774", float(c.chance.uniform(0.25, 0.9)))
    for _ in range(26):
        x, y = around(250, 230, float(c.chance.uniform(90, 220)), float(c.chance.uniform(180, 360)))
        s = float(c.chance.uniform(2, 7))
        c.poly([(x, y), (x + s, y + 2), (x + s * 0.4, y + s)], "#fdbb2f", 0.9)
    c.person(104, 560, 0.1, "#070b1c")
    c.gradient("#070b1c", "#070b1c", 560, 190, alphas=(0, 1))
    c.title(["DIE HARD"], 640, "#ffe2c0", face="bold", size=50, width=400, tracking=0.02, note="1988")
    return c


SCENES = (
    das_boot,
    blade_runner,
    this_is_spinal_tap,
    my_neighbor_totoro,
    die_hard,
)
