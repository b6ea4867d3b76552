"""Posters for movies of the 1920s to the 1950s."""

# fmt: off

from scripts.draw_samples.canvas import Canvas, Point, around, curve


def nosferatu() -> Canvas:
    """A shadow with long fingers that climbs a staircase."""
    c = Canvas("#d9c9a0", "#8a7448", seed=22)
    c.glow(150, 180, 420, "#f6ecc8", 0.9)
    for i in range(9):
        c.rect(0, 690 - i * 62, 60 + i * 52, 64, "#2b2318", 0.16 + i * 0.02)
    dark = "#17120c"
    c.poly(curve((250, 760), (262, 560), (285, 400), (300, 300), (318, 210), (350, 168), (385, 205), (398,
            300), (430, 420), (450, 560), (470, 760)), dark)
    c.poly([(318, 215), (300, 165), (332, 192)], dark)
    c.poly([(372, 190), (410, 150), (396, 222)], dark)
    c.poly(curve((300, 310), (235, 300), (180, 245), (150, 215), (158, 250), (215, 330), (300, 365)), dark)
    for end in ((60, 150), (78, 108), (112, 82), (150, 92), (84, 205)):
        c.poly([(150, 228), end, (172, 240)], dark)
    c.title(["NOSFERATU"], 664, "#f2e6c4", face="serif", size=34, width=380, note="1922")
    c.frame("#17120c", 0.6)
    return c


def metropolis() -> Canvas:
    """Towers in front of the light, as a machine-age altar."""
    c = Canvas("#0d1b2a", "#1b3a4b", seed=27)
    c.rays(250, 330, 36, "#e0b04c", 0.16, turn=2.5)
    c.glow(250, 330, 330, "#ffd87a", 0.9)
    c.ring(250, 300, 118, 5, "#f4d58d", 0.9)
    c.circle(250, 300, 92, "#f4d58d")
    for shade, towers in (("#274c5e", ((20, 420, 70), (100, 380, 60), (340, 370, 64), (415, 430, 70))),
            ("#173142", ((-10, 470, 80), (80, 440, 60), (360, 430, 62), (430, 480, 90)))):
        for x, y, w in towers:
            c.rect(x, y, w, 400, shade)
            c.rect(x + w * 0.2, y - 34, w * 0.6, 40, shade)
            c.rect(x + w * 0.38, y - 66, w * 0.24, 40, shade)
    for step in range(6):
        w, y = 44 + step * 30, 250 + step * 62
        c.rect(250 - w / 2, y, w, 520, "#0a1420")
    c.poly([(238, 252), (250, 120), (262, 252)], "#0a1420")
    for x in (-48, -24, 0, 24, 48):
        c.line([(250 + x * 0.6, 330 + abs(x) * 2), (250 + x, 640)], 2, "#e0b04c", 0.75)
    c.line([(0, 505), (500, 440)], 6, "#f4d58d", 0.8)
    c.gradient("#0a1420", "#0a1420", 560, 190, alphas=(0, 1))
    c.title(["METROPOLIS"], 650, "#f4d58d", size=42, width=420, tracking=0.06, note="1927", weight=0.3)
    c.frame("#e0b04c")
    return c


def king_kong() -> Canvas:
    """The tip of a tower, a great ape as a dark shape, and the biplanes."""
    c = Canvas("#b23a2e", "#f0b15b", seed=33)
    c.glow(250, 300, 360, "#ffe2a0", 0.8)
    c.circle(250, 300, 150, "#ffe9b8")
    c.skyline(690, (40, 150), "#8f3b2b", widths=(20, 50))
    c.skyline(720, (20, 90), "#5c2420", widths=(26, 60))
    dark = "#1d1416"
    c.poly([(242, 330), (250, 150), (258, 330)], dark)
    for step, y in enumerate((330, 385, 460, 560)):
        w = 34 + step * 26
        c.rect(250 - w / 2, y, w, 480, dark)
    c.poly(curve((262, 400), (300, 372), (322, 310), (318, 262), (300, 236), (288, 212), (268, 204), (252,
            216), (246, 240), (226, 262), (218, 300), (226, 344), (236, 400)), dark)
    c.line(curve((300, 262), (332, 232), (338, 190), (322, 150)), 20, dark)
    c.circle(320, 146, 12, dark)
    c.line(curve((232, 270), (222, 310), (246, 340)), 19, dark)
    for x, y, s in ((92, 190, 1.0), (412, 120, 0.8), (430, 330, 0.65)):
        c.rect(x - 34 * s, y, 68 * s, 5 * s, dark)
        c.rect(x - 30 * s, y - 15 * s, 60 * s, 4 * s, dark)
        c.ellipse(x, y - 4 * s, 7 * s, 11 * s, dark)
        for side in (-1, 1):
            c.line([(x + side * 22 * s, y), (x + side * 22 * s, y - 14 * s)], 1.5, dark)
    c.title(["KING KONG"], 646, "#ffe9b8", face="bold", size=44, width=400, tracking=0.03, note="1933")
    return c


def the_wizard_of_oz() -> Canvas:
    """A yellow road that winds to a green city under a rainbow."""
    x: float
    y: float
    c = Canvas("#5bb7d5", "#cdeedd", seed=39)
    for i, color in enumerate(("#d7443e", "#ee8434", "#f6d04d", "#58a55c", "#3f7cac", "#6a4c93")):
        c.arc(250, 420, 330 - i * 17, 180, 360, 17, color, 0.85)
    c.glow(250, 330, 180, "#f5ffe0", 0.9)
    for x, w, h in ((170, 26, 90), (200, 30, 140), (236, 34, 190), (274, 30, 150), (306, 26, 100), (148, 20,
            60), (334, 20, 66)):
        c.rect(x, 400 - h, w, h, "#1f8a5b")
        c.poly([(x, 400 - h), (x + w / 2, 400 - h - 46), (x + w, 400 - h)], "#2fb679")
        c.rect(x + w * 0.62, 400 - h, w * 0.38, h, "#136b45", 0.7)
    c.hills(420, 12, "#7cb453", waves=1.4)
    c.hills(470, 16, "#5d9a41", waves=1.1)
    left: list[Point] = curve((244, 398), (232, 430), (300, 470), (330, 510), (190, 570), (60, 660), (40,
            760))
    right: list[Point] = curve((256, 398), (252, 428), (330, 466), (386, 514), (290, 590), (260, 660), (300,
            760))
    c.poly([*left, *reversed(right)], "#f4c430")
    for i in range(0, len(left), 5):
        c.line([left[i], right[min(i, len(right) - 1)]], 1.2, "#b9861a", 0.6)
    for _ in range(90):
        x, y = c.chance.uniform(330, 500), c.chance.uniform(600, 750)
        c.circle(x, y, c.chance.uniform(2, 5), "#d7263d")
    c.title(["THE WIZARD", "OF OZ"], 52, "#0f4c3a", face="serif", size=36, width=380, note="1939")
    return c


def the_treasure_of_the_sierra_madre() -> Canvas:
    """Three men and a mule on a bare ridge, and gold dust in the wind."""
    c = Canvas("#e2a13a", "#f6dc9a", seed=48)
    c.circle(120, 150, 62, "#fff0bf")
    c.glow(120, 150, 280, "#fff6d6", 0.7)
    c.poly([(0, 430), (70, 330), (120, 370), (210, 236), (280, 330), (340, 262), (430, 372), (500, 330),
            (500, 470), (0, 470)], "#b97a3c")
    c.poly([(210, 236), (280, 330), (248, 322), (226, 300)], "#d99b52")
    c.poly([(340, 262), (430, 372), (384, 350), (352, 310)], "#d99b52")
    c.hills(470, 24, "#8a4f2a", waves=1.1)
    dark = "#2a1609"
    ridge = curve((-10, 560), (120, 520), (260, 540), (400, 506), (510, 530))
    c.poly([*ridge, (510, 760), (-10, 760)], dark)
    for x, y, h in ((90, 534, 84), (186, 534, 92), (404, 516, 80)):
        c.person(x, y, h, dark, coat=0.22, hat=True)
        c.line([(x + 6, y - h * 0.66), (x + 30, y - h * 0.98)], 4, dark)
        c.line([(x + 16, y - h * 1.05), (x + 42, y - h * 0.9)], 4, dark)
    c.poly(curve((262, 494), (276, 470), (330, 466), (352, 476), (350, 506), (270, 508), (262, 494)), dark)
    c.ellipse(306, 464, 28, 18, dark)
    c.poly([(340, 484), (362, 440), (384, 452), (388, 462), (368, 462), (352, 494)], dark)
    c.poly([(360, 444), (356, 422), (368, 440)], dark)
    for x in (270, 282, 336, 346):
        c.rect(x, 500, 6, 38, dark)
    for _ in range(190):
        t = float(c.chance.uniform(0, 1))
        spread = float(c.chance.normal(0, 14 + 44 * t))
        size = float(c.chance.uniform(0.8, 2.6))
        c.circle(300 + 230 * t, 448 - 250 * t**1.3 + spread, size, "#fff3b0", 0.9)
    c.title(["THE TREASURE OF", "THE SIERRA MADRE"], 618, "#ffe3a0", face="slab", size=26, width=420,
            tracking=0.04, note="1948")
    return c


def the_third_man() -> Canvas:
    """A shadow that is taller than the houses, and the great wheel behind."""
    c = Canvas("#101418", "#3c4a50", seed=49)
    x: float
    y: float
    c.ring(250, 210, 150, 4, "#6d7f86", 0.8)
    c.ring(250, 210, 132, 2, "#6d7f86", 0.6)
    for i in range(15):
        a = i * 24
        c.line([around(250, 210, 8, a), around(250, 210, 148, a)], 1.2, "#6d7f86", 0.6)
        x, y = around(250, 210, 150, a)
        c.rect(x - 8, y - 4, 16, 12, "#8d9da3", 0.9)
    c.line([(250, 210), (186, 470)], 5, "#6d7f86", 0.8)
    c.line([(250, 210), (314, 470)], 5, "#6d7f86", 0.8)
    c.poly([(0, 60), (150, 190), (150, 640), (0, 750)], "#1b2227")
    c.poly([(500, 40), (350, 190), (350, 640), (500, 750)], "#c9c4ae")
    for x, y in ((18, 200), (74, 240), (18, 340), (74, 350), (18, 480), (74, 464)):
        c.poly([(x, y), (x + 34, y + 20), (x + 34, y + 80), (x, y + 76)], "#0d1114")
    c.poly([(150, 470), (350, 470), (350, 640), (500, 750), (0, 750), (150, 640)], "#252e33")
    for row in range(9):
        y = 500 + row * 30
        for i in range(8):
            x = 250 + (i - 3.5) * (24 + row * 9) + (row % 2) * 10
            c.ellipse(x, y, 9 + row * 3.2, 4 + row * 1.1, "#566268", 0.4)
    shade = "#14181b"
    c.poly(curve((372, 640), (380, 430), (376, 320), (392, 250), (424, 236), (462, 262), (480, 350),
            (476, 470), (486, 720)), shade)
    c.ellipse(424, 214, 27, 34, shade)
    c.poly([(372, 206), (486, 182), (490, 192), (376, 218)], shade)
    c.poly([(396, 202), (402, 160), (444, 150), (460, 190)], shade)
    c.glow(126, 600, 120, "#ffe6a8", 0.55)
    c.person(170, 640, 74, "#07090a", coat=0.3, hat=True)
    c.gradient("#07090a", "#07090a", 560, 190, alphas=(0, 0.95))
    c.title(["THE THIRD MAN"], 652, "#efe8cf", face="serif", size=36, width=410, tracking=0.06, note="1949")
    return c


def singin_in_the_rain() -> Canvas:
    """One umbrella, a street lamp, and all the rain of Hollywood."""
    c = Canvas("#20375c", "#40608f", seed=52)
    c.skyline(560, (140, 330), "#1a2d4d", widths=(60, 110), lit="#f7c548", share=0.1, bottom=620)
    c.rect(0, 600, 500, 150, "#15233c")
    c.glow(368, 190, 230, "#ffe08a", 0.95)
    c.rect(363, 190, 9, 420, "#0d1626")
    c.poly([(346, 172), (390, 172), (380, 212), (356, 212)], "#fff1c1")
    c.poly([(340, 172), (368, 148), (396, 172)], "#0d1626")
    c.ellipse(368, 640, 120, 16, "#ffe08a", 0.28)
    dark = "#0d1626"
    c.line([(255, 600), (240, 520), (250, 452)], 17, dark)
    c.line([(250, 516), (286, 560), (318, 542)], 15, dark)
    c.poly([(228, 440), (276, 430), (272, 525), (232, 528)], dark)
    c.circle(247, 404, 19, dark)
    c.ellipse(244, 390, 31, 6, dark)
    c.rect(229, 370, 31, 20, dark)
    c.line([(270, 446), (318, 428), (364, 436)], 11, dark)
    c.line([(234, 448), (192, 420), (166, 372)], 11, dark)
    c.line([(168, 410), (140, 262)], 4, dark)
    c.poly([around(140, 262, 96, a) for a in range(172, 352, 4)], "#e4572e")
    for i, a in enumerate(range(172, 340, 36)):
        c.poly([(140, 232 - 66), around(140, 262, 96, a), around(140, 262, 96, a + 18)], "#f6aa1c",
                0.9 if i % 2 == 0 else 0)
    c.rain(260, "#dbe9ff", slant=-10)
    for x, y, w in ((120, 660, 70), (300, 700, 90), (420, 668, 50)):
        c.ellipse(x, y, w, 5, "#dbe9ff", 0.3)
    c.title(["SINGIN\u2019 IN THE RAIN"], 676, "#ffe9b0", face="italic", size=32, width=420, tracking=0.02,
            note="1952")
    return c


def seven_samurai() -> Canvas:
    """Seven spears on a hill before a red sun."""
    c = Canvas("#efe6d2", "#d8c7a3", seed=54)
    c.circle(250, 330, 165, "#c1272d")
    c.hills(548, 18, "#3a3128", waves=0.8)
    dark = "#1c1713"
    for i, (x, h) in enumerate(((84, 120), (140, 142), (196, 128), (252, 158), (308, 134), (362, 146), (418,
            122))):
        y = 560 - 26 * (1 - abs(i - 3) / 3)
        c.poly([(x - 0.2 * h, y + 12), (x - 0.15 * h, y - 0.62 * h), (x, y - 0.84 * h), (x + 0.15 * h,
                y - 0.62 * h), (x + 0.2 * h, y + 12)], dark)
        c.circle(x, y - 0.86 * h, 0.085 * h, dark)
        c.poly([(x - 0.19 * h, y - 0.86 * h), (x, y - 1.08 * h), (x + 0.19 * h, y - 0.86 * h)], dark)
        c.line([(x + 0.2 * h, y + 10), (x + 0.28 * h, y - 1.55 * h)], 3, dark)
        c.poly([(x + 0.255 * h, y - 1.53 * h), (x + 0.29 * h, y - 1.78 * h), (x + 0.305 * h, y - 1.53 * h)],
                dark)
    c.hills(590, 10, "#1c1713", waves=1.3)
    c.rain(110, "#5b4f40", slant=-14, alpha=0.4)
    c.title(["SEVEN SAMURAI"], 652, "#efe6d2", face="serif", size=34, width=400, tracking=0.08, note="1954")
    c.rect(420, 48, 32, 32, "#c1272d")
    c.ring(436, 64, 11, 3, "#efe6d2")
    return c


def paths_of_glory() -> Canvas:
    """A trench under a sky of shells, and wire."""
    x: float
    y: float
    c = Canvas("#6f6a5c", "#b9ab88", seed=57)
    c.glow(340, 250, 260, "#e9d9a8", 0.9)
    for x, y, r in ((340, 250, 44), (120, 170, 26), (430, 140, 20)):
        c.rays(x, y, 14, "#2d2a24", 0.25, r=r * 2.6)
        c.circle(x, y, r * 0.5, "#f5e8c2")
    c.hills(400, 16, "#57503f", waves=2.3)
    c.hills(440, 20, "#3d382d", waves=1.6)
    for x, h, lean in ((70, 130, -8), (180, 110, 6), (300, 140, -5), (430, 120, 9)):
        c.line([(x, 470), (x + lean, 470 - h)], 7, "#1d1a15")
        c.line([(x + lean - 22, 500 - h), (x + lean + 22, 490 - h)], 6, "#1d1a15")
    for level in (350, 378, 404):
        wire = curve(*((x, level + 10 * (-1) ** i) for i, x in enumerate(range(-20, 540, 62))))
        c.line(wire, 1.6, "#1d1a15")
        for x, y in wire[::9]:
            c.line([(x - 5, y - 5), (x + 5, y + 5)], 1.4, "#1d1a15")
            c.line([(x - 5, y + 5), (x + 5, y - 5)], 1.4, "#1d1a15")
    c.poly([(0, 470), (500, 452), (500, 760), (0, 760)], "#1d1a15")
    for i in range(7):
        x, y = 40 + i * 70, 496 + 10 * (i % 2)
        c.ellipse(x, y, 27, 9, "#6b6350")
        c.poly([around(x, y, 21, a, 22) for a in range(180, 361, 10)], "#57503f")
        c.rect(x - 22, y + 6, 44, 60, "#2b271f")
        c.line([(x + 24, y + 60), (x + 24, y - 58)], 3, "#8b8167")
        c.poly([(x + 22, y - 56), (x + 24, y - 84), (x + 26, y - 56)], "#cfc3a0")
    c.title(["PATHS OF GLORY"], 650, "#e9d9a8", face="slab", size=28, width=410, note="1957")
    return c


def twelve_angry_men() -> Canvas:
    """Eleven dark chairs and a light one around a table, from above."""
    x: float
    y: float
    c = Canvas("#e8dcc0", "#cbb88f", seed=12)
    c.glow(250, 320, 340, "#fff7e0", 0.9)
    c.poly([(188, 168), (332, 168), (340, 500), (182, 500)], "#000000", 0.15)
    c.rect(180, 156, 140, 336, "#7a4a2b")
    c.rect(188, 164, 124, 320, "#8f5a36")
    for y in range(190, 470, 46):
        c.line([(188, y), (312, y + 3)], 1, "#6b3f24", 0.5)
    seats: list[Point] = [(250, 118), (250, 532)]
    for y in range(184, 500, 70):
        seats += [(138, y), (362, y)]
    for i, (x, y) in enumerate(sorted(seats)):
        light = i == 8
        c.circle(x + 5, y + 7, 26, "#000000", 0.18)
        c.circle(x, y, 26, "#f7f3e8" if light else "#26323f")
        c.circle(x, y, 14, "#d64933" if light else "#141c26")
    for x, y, a in ((222, 200, 8), (276, 260, -12), (214, 330, 20), (284, 400, -4), (236, 448, 14)):
        page = [around(x, y, 17, a + corner) for corner in (40, 140, 220, 320)]
        c.poly(page, "#f7f3e8", 0.9)
    c.title(["12 ANGRY MEN"], 612, "#26323f", face="bold", size=36, width=400, tracking=0.04, note="1957")
    c.frame("#26323f", 0.5)
    return c


SCENES = (
    nosferatu,
    metropolis,
    king_kong,
    the_wizard_of_oz,
    the_treasure_of_the_sierra_madre,
    the_third_man,
    singin_in_the_rain,
    seven_samurai,
    paths_of_glory,
    twelve_angry_men,
)
