"""Posters for movies of the 1990s."""

# fmt: off

from scripts.draw_samples.canvas import Canvas, around, curve


def groundhog_day() -> Canvas:
    """A clock that turns its leaf to six, again."""
    c = Canvas("#6fa8c7", "#dfeef2", seed=93)
    c.dots(130, "#ffffff", sizes=(1, 4))
    c.rect(58, 210, 384, 220, "#7c4a2d")
    c.rect(58, 210, 384, 18, "#95603e")
    c.rect(78, 244, 344, 152, "#17140f")
    for x, digit in ((94, "6"), (214, "0"), (312, "0")):
        c.rect(x, 258, 92, 124, "#26221b")
        c.text(digit, x + 46, 284, 72, "#fff4d6", face="bold")
        c.rect(x, 318, 92, 4, "#17140f")
    for y in (298, 338):
        c.circle(200, y, 6, "#fff4d6")
    c.poly([(312, 258), (404, 258), (392, 318), (324, 318)], "#3a342a")
    c.text("59", 358, 272, 30, "#fff4d6", face="bold", alpha=0.75)
    for x in (92, 384):
        c.rect(x, 430, 24, 12, "#4f2d1a")
    c.hills(500, 12, "#f5fbfd", waves=1.1)
    c.hills(540, 10, "#e3f0f4", waves=1.6)
    c.ellipse(250, 570, 66, 17, "#8f7a66")
    c.ellipse(250, 573, 52, 12, "#2b211a")
    c.poly(curve((214, 574), (216, 536), (232, 514), (250, 508), (268, 514), (284, 536), (286, 574)),
            "#7b5a3c")
    c.circle(228, 518, 8, "#7b5a3c")
    c.circle(272, 518, 8, "#7b5a3c")
    c.circle(240, 532, 3.4, "#17140f")
    c.circle(260, 532, 3.4, "#17140f")
    c.ellipse(250, 543, 5, 3.5, "#17140f")
    c.rect(246, 549, 8, 7, "#fffbe8")
    c.title(["GROUNDHOG", "DAY"], 634, "#2c4a5c", face="bold", size=32, width=390, tracking=0.06, note="1993")
    c.rect(190, 84, 120, 2, "#ffffff", 0.0)
    for i in range(5):
        c.arc(250, 186, 120 - i * 20, 200, 340, 3, "#ffffff", 0.65 - i * 0.1)
    return c


def jurassic_park() -> Canvas:
    """Long necks above the ferns at sundown."""
    c = Canvas("#f26b38", "#f7c873", seed=94)
    c.circle(300, 300, 132, "#ffe7a3")
    c.glow(300, 300, 280, "#fff2c4", 0.6)
    c.hills(450, 34, "#c4552d", waves=0.9)
    c.hills(490, 24, "#8b3d2b", waves=1.4)
    for x, y, s, shade in ((330, 470, 0.62, "#6b3126"), (120, 540, 1.0, "#2c2a1e")):
        neck = curve((x + 40 * s, y - 120 * s), (x + 92 * s, y - 170 * s), (x + 118 * s, y - 262 * s),
                (x + 132 * s, y - 342 * s), (x + 158 * s, y - 366 * s), (x + 190 * s, y - 352 * s),
                (x + 186 * s, y - 340 * s), (x + 158 * s, y - 338 * s), (x + 150 * s, y - 262 * s),
                (x + 132 * s, y - 160 * s), (x + 100 * s, y - 70 * s))
        c.poly(neck, shade)
        c.ellipse(x + 20 * s, y - 92 * s, 104 * s, 58 * s, shade)
        c.poly(curve((x - 60 * s, y - 122 * s), (x - 130 * s, y - 84 * s), (x - 190 * s, y - 10 * s),
                (x - 120 * s, y - 44 * s), (x - 60 * s, y - 62 * s)), shade)
        for dx in (-56, -26, 44, 76):
            c.rect(x + dx * s, y - 90 * s, 24 * s, 110 * s, shade)
    c.hills(566, 12, "#23301c", waves=2.2)
    for x, a in ((30, -60), (70, -100), (420, -120), (470, -80), (440, -50), (20, -90), (250, -70), (300,
            -110)):
        stem = curve((x, 650), around(x, 650, 70, a), around(x, 640, 140, a + (18 if a > -90 else -18)))
        c.line(stem, 3, "#14200f")
        for i in range(6, len(stem), 3):
            px, py = stem[i]
            for side in (-1, 1):
                c.poly([(px, py), around(px, py, 30 - i * 0.3, a + side * 62), (px + 3, py + 3)], "#14200f")
    c.rect(0, 636, 500, 120, "#14200f")
    c.title(["JURASSIC PARK"], 660, "#ffe7a3", face="slab", size=30, width=410, tracking=0.04, note="1993")
    return c


def schindlers_list() -> Canvas:
    """A list, line by line; one line is red. Above it, a candle."""
    c = Canvas("#1c1c1c", "#3a3a38", seed=95)
    c.glow(250, 150, 230, "#f2c879", 0.85)
    c.poly(curve((250, 96), (268, 136), (264, 166), (250, 176), (236, 166), (232, 136), (250, 96)), "#ffe6ae")
    c.poly(curve((250, 126), (258, 150), (250, 170), (242, 150), (250, 126)), "#f28f3b")
    c.line([(250, 170), (250, 190)], 2.5, "#111111")
    c.rect(232, 188, 36, 120, "#e9e4d8")
    c.poly([(232, 188), (240, 188), (238, 226), (232, 232)], "#ffffff")
    c.line([(250, 90), (256, 60), (246, 36), (258, 12)], 2, "#8d8d88", 0.5)
    c.poly([(112, 300), (388, 300), (402, 620), (98, 620)], "#dcd7ca")
    c.poly([(112, 300), (388, 300), (389, 312), (111, 312)], "#bdb8ab")
    for row in range(16):
        y = 330 + row * 17
        red = row == 9
        x = 132.0
        for _ in range(3):
            w = float(c.chance.uniform(30, 86))
            c.rect(x, y, w, 5, "#c1121f" if red else "#2a2a28", 1.0 if red else 0.8)
            x += w + 10
            if x > 330:
                break
        c.text(str(row + 1), 122, y - 1, 5, "#2a2a28", face="mono", anchor=1)
    c.title(["SCHINDLER\u2019S LIST"], 650, "#e9e4d8", face="serif", size=30, width=400, tracking=0.08,
            note="1993")
    return c


def toy_story() -> Canvas:
    """Blocks, a ball and a rocket on a child's floor."""
    c = Canvas("#6cb8ec", "#bfe3fa", seed=96)
    for x, y, s in ((80, 110, 1.0), (380, 160, 1.2), (220, 70, 0.7), (450, 60, 0.6), (130, 270, 0.7)):
        for dx, dy, r in ((-32, 6, 18), (-6, -6, 26), (24, 4, 20)):
            c.circle(x + dx * s, y + dy * s, r * s, "#ffffff", 0.95)
    c.rect(0, 520, 500, 230, "#c98b4e")
    for x in range(-200, 700, 64):
        c.line([(250 + (x - 250) * 0.6, 520), (250 + (x - 250) * 1.7, 750)], 1.6, "#a56b35", 0.8)
    c.rect(0, 508, 500, 14, "#fdf6e3")
    for x, y, color, letter in ((96, 488, "#e63946", "T"), (186, 488, "#2a9d8f", "O"), (141, 398, "#f4b400",
            "Y")):
        c.rect(x + 8, y + 82, 84, 12, "#000000", 0.15)
        c.rect(x, y, 86, 86, color)
        c.rect(x + 9, y + 9, 68, 68, "#fdf6e3")
        c.text(letter, x + 43, y + 22, 42, color, face="bold")
    body = curve((370, 250), (402, 300), (412, 380), (400, 470), (340, 470), (328, 380), (338, 300), (370,
            250))
    for side in (-1, 1):
        c.poly([(370 + side * 34, 400), (370 + side * 82, 500), (370 + side * 28, 474)], "#e63946")
    c.poly(body, "#f7f7f2")
    c.poly(curve((370, 250), (392, 286), (399, 306), (341, 306), (348, 286), (370, 250)), "#e63946")
    c.circle(370, 356, 21, "#457b9d")
    c.circle(370, 356, 15, "#a8dadc")
    c.rect(350, 468, 40, 12, "#6c757d")
    c.poly([(352, 480), (388, 480), (370, 540)], "#f4b400")
    c.circle(288, 590, 44, "#f4b400")
    c.poly([around(288, 590, 30 if i % 2 == 0 else 12, -90 + i * 36) for i in range(10)], "#e63946")
    c.arc(288, 590, 44, 20, 160, 7, "#457b9d", 0.85)
    c.title(["TOY STORY"], 662, "#fdf6e3", face="bold", size=42, width=400, tracking=0.04, note="1995")
    return c


def fargo() -> Canvas:
    """White above, white below, a red car and a trail that is not of wheels."""
    c = Canvas("#dfe6ea", "#f6f8f8", seed=97)
    c.dots(240, "#ffffff", sizes=(1, 3.5))
    c.hills(280, 6, "#eef2f3", waves=0.8)
    for x in range(20, 500, 60):
        c.rect(x, 250, 2.5, 44, "#68757d", 0.7)
        c.line([(x - 7, 258), (x + 9, 258)], 2, "#68757d", 0.7)
    c.line(curve((0, 260), (20, 258), (50, 266), (80, 258), (110, 266), (140, 258), (500, 260)), 0.8,
            "#68757d", 0.5)
    c.poly([(248, 286), (254, 286), (520, 750), (330, 750)], "#c9d2d7")
    c.line([(252, 288), (426, 750)], 1.5, "#aab6bd")
    c.ellipse(290, 372, 42, 6, "#8ea0a9", 0.6)
    c.poly([(252, 352), (330, 352), (332, 372), (250, 372)], "#b3261e")
    c.poly([(266, 334), (314, 334), (324, 354), (256, 354)], "#8f1c16")
    c.poly([(270, 338), (310, 338), (317, 352), (263, 352)], "#cfd9de")
    c.circle(264, 373, 7, "#21272b")
    c.circle(318, 373, 7, "#21272b")
    for i in range(22):
        t = i / 21
        x = 250 - 150 * t**1.2 + 7 * (-1) ** i * (0.4 + t)
        y = 384 + 250 * t
        c.ellipse(x, y, 1.8 + 4.6 * t, 2.6 + 7 * t, "#93a4ad", 0.85)
    for x, y, r in ((212, 430, 3), (188, 476, 4), (170, 520, 5), (128, 588, 7), (141, 566, 3)):
        c.circle(x, y, r, "#b3261e")
    c.title(["FARGO"], 96, "#21272b", face="mono", size=48, width=330, tracking=0.12, note="1996")
    c.frame("#21272b", 0.35)
    return c


def run_lola_run() -> Canvas:
    """A runner, three times, in a dial that says twenty minutes."""
    c = Canvas("#f2c230", "#ef8a17", seed=98)
    c.rays(250, 300, 20, "#ffe27a", 0.5, turn=4)
    c.circle(250, 300, 190, "#fff7df")
    c.ring(250, 300, 190, 9, "#1f1b1a")
    for i in range(60):
        long = 24 if i % 5 == 0 else 10
        c.line([around(250, 300, 178, i * 6), around(250, 300, 178 - long, i * 6)], 5 if i % 5 == 0 else 2,
                "#1f1b1a")
    c.poly([(250, 300), *(around(250, 300, 150, a) for a in range(-90, 31, 3))], "#d7263d", 0.28)
    c.line([(250, 300), around(250, 300, 92, -90)], 9, "#1f1b1a")
    c.line([(250, 300), around(250, 300, 148, 30)], 5, "#1f1b1a")
    for x, shade, alpha in ((120, "#d7263d", 0.35), (196, "#d7263d", 0.6), (286, "#1f1b1a", 1.0)):
        y = 580
        c.line([(x, y - 112), (x - 22, y - 58), (x - 66, y - 52)], 17, shade, alpha)
        c.line([(x, y - 112), (x + 42, y - 74), (x + 30, y - 16)], 17, shade, alpha)
        c.line([(x + 30, y - 16), (x + 50, y - 12)], 10, shade, alpha)
        c.poly([(x - 14, y - 112), (x + 14, y - 110), (x + 38, y - 186), (x + 6, y - 194)], shade, alpha)
        c.line([(x + 20, y - 178), (x - 16, y - 150), (x - 30, y - 178)], 11, shade, alpha)
        c.line([(x + 24, y - 178), (x + 46, y - 138), (x + 74, y - 158)], 11, shade, alpha)
        c.circle(x + 34, y - 214, 19, shade, alpha)
        if alpha == 1:
            for a in (150, 165, 180, 195, 210, 225):
                c.poly([(x + 36, y - 232), (x + 20, y - 210), around(x + 30, y - 216, 52, a)], "#d7263d")
    c.rect(0, 594, 500, 160, "#1f1b1a")
    c.title(["RUN LOLA RUN"], 634, "#ffd84a", face="bold", size=38, width=420, tracking=0.02, note="1998")
    return c


def the_blair_witch_project() -> Canvas:
    """Bare trees, a figure of sticks, and one torch."""
    x: float
    y: float
    c = Canvas("#1a211d", "#3d4a3c", seed=99)
    c.glow(250, 360, 300, "#d9e2b6", 0.85)
    for layer, shade, count in ((0, "#7d8a6d", 16), (1, "#4a5644", 12), (2, "#252d25", 8)):
        for _ in range(count):
            x = float(c.chance.uniform(-10, 510))
            c.bare_tree(x, 640, 100 + layer * 40, -90 + float(c.chance.uniform(-6, 6)), 4 + layer * 4, shade)
    dark = "#0c100d"
    c.line([(250, 60), (250, 214)], 2, dark)
    for a, b, w in (((250, 210), (250, 330), 8), ((194, 262), (306, 250), 7), ((250, 326), (206, 414), 7),
            ((250, 326), (296, 416), 7), ((222, 214), (280, 222), 5), ((226, 238), (276, 204), 5), ((194,
            262), (178, 306), 5), ((306, 250), (326, 292), 5)):
        c.line([a, b], w, dark)
        c.line([(a[0] - 1, a[1]), (b[0] - 1, b[1])], 1.5, "#6b7159", 0.7)
    for x, y in ((250, 258), (250, 326), (250, 216)):
        c.circle(x, y, 9, dark)
    c.poly([(0, 640), (500, 626), (500, 760), (0, 760)], "#0c100d")
    for _ in range(240):
        x, y = c.chance.uniform(0, 500), c.chance.uniform(612, 650)
        c.line([(x, y), (x + c.chance.uniform(-6, 6), y - c.chance.uniform(4, 16))], 1.2, "#0c100d")
    c.title(["THE BLAIR WITCH", "PROJECT"], 654, "#dfe5c8", face="mono", size=22, width=400, tracking=0.1,
            note="")
    return c


SCENES = (
    groundhog_day,
    jurassic_park,
    schindlers_list,
    toy_story,
    fargo,
    run_lola_run,
    the_blair_witch_project,
)
