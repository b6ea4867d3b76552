"""Posters for movies of the 1960s and the 1970s."""

# fmt: off

from scripts.draw_samples.canvas import Canvas, around, curve


def the_good_the_bad_and_the_ugly() -> Canvas:
    """Three riders of fortune, and the long shadows of noon."""
    c = Canvas("#d9501e", "#f3b14e", seed=66)
    c.circle(250, 292, 150, "#ffdf8e")
    c.glow(250, 292, 300, "#fff1c2", 0.6)
    c.poly([(0, 430), (60, 372), (130, 366), (150, 430)], "#a63a1b")
    c.poly([(360, 430), (380, 350), (470, 344), (500, 400), (500, 430)], "#a63a1b")
    c.rect(0, 428, 500, 330, "#e0903a")
    c.gradient("#e0903a", "#8c3a17", 428, 322)
    dark = "#241008"
    for x, h, lean in ((110, 150, -120), (250, 196, 0), (388, 150, 120)):
        y = 470 if x != 250 else 486
        c.poly([(x - 14, y), (x + 14, y), (x + lean + 46, y + 210), (x + lean - 46, y + 210)], dark, 0.5)
        c.person(x, y, h, dark, coat=0.36, legs=0.13, hat=True)
    for x in (40, 176, 322, 462):
        c.rect(x - 2, 414, 5, 34, dark)
        c.rect(x - 10, 422, 21, 5, dark)
    c.title(["THE GOOD, THE BAD", "AND THE UGLY"], 630, "#ffdf8e", face="slab", size=27, width=430,
            tracking=0.04, note="1966")
    return c


def a_space_odyssey() -> Canvas:
    """A black slab between worlds that stand in line."""
    c = Canvas("#05060f", "#141a3a", seed=68)
    c.dots(260, "#dfe7ff")
    c.glow(250, 96, 190, "#fff3d6", 1.0)
    c.circle(250, 96, 26, "#fffaf0")
    c.arc(250, 226, 92, 180, 360, 3, "#cfd8ff", 0.9)
    c.circle(250, 228, 90, "#0b1030")
    c.glow(250, 560, 300, "#3f6fd8", 0.55)
    c.circle(250, 910, 420, "#10204f")
    c.arc(250, 910, 420, 200, 340, 6, "#8db4ff", 0.9)
    c.poly([(206, 300), (294, 300), (300, 600), (200, 600)], "#000000")
    c.poly([(294, 300), (308, 306), (315, 602), (300, 600)], "#23284a")
    c.line([(206, 300), (294, 300)], 1.6, "#ffe9c4", 0.9)
    c.title(["2001", "A SPACE ODYSSEY"], 636, "#f0f4ff", size=25, width=400, tracking=0.3, note="1968")
    return c


def duel() -> Canvas:
    """A lorry that fills the mirror of the desert road."""
    c = Canvas("#e9a03b", "#f7d98c", seed=71)
    c.circle(380, 130, 50, "#fff3cf")
    c.hills(330, 26, "#b76e3a", waves=1.2)
    c.rect(0, 344, 500, 420, "#d99a52")
    c.poly([(205, 344), (295, 344), (560, 750), (-60, 750)], "#4a423d")
    c.poly([(247, 344), (253, 344), (272, 750), (228, 750)], "#f3d34a", 0.9)
    dark, rust = "#1b1512", "#6e2f1a"
    c.glow(250, 300, 210, "#6b5a48", 0.75)
    c.rect(140, 150, 220, 260, rust)
    c.rect(140, 150, 220, 26, "#54210f")
    c.poly([(158, 190), (342, 190), (334, 262), (166, 262)], dark)
    c.poly([(166, 196), (246, 196), (236, 256), (172, 256)], "#8fa2a3", 0.28)
    c.rect(247, 190, 6, 72, rust)
    c.rect(176, 276, 148, 96, dark)
    for x in range(184, 322, 11):
        c.rect(x, 280, 4, 88, "#8b7a66")
    for x in (116, 372):
        c.rect(x, 120, 12, 210, dark)
    for x in (152, 348):
        c.glow(x, 326, 70, "#fff2b8", 0.95)
        c.circle(x, 326, 17, "#fffbe6")
    c.rect(120, 384, 260, 34, "#8b7a66")
    c.rect(128, 418, 48, 34, dark)
    c.rect(324, 418, 48, 34, dark)
    c.poly([(196, 592), (304, 592), (318, 640), (182, 640)], "#c4321f")
    c.poly([(212, 566), (288, 566), (304, 594), (196, 594)], "#8f2015")
    c.poly([(220, 571), (280, 571), (290, 591), (210, 591)], "#e8d8b0")
    for x in (192, 286):
        c.rect(x, 636, 24, 16, dark)
    c.title(["DUEL"], 50, "#3b1a0d", face="bold", size=52, width=330, tracking=0.1, note="1971")
    return c


def chinatown() -> Canvas:
    """Blinds, a glass of water, and what the drought hides."""
    c = Canvas("#c9822b", "#7d2e1d", seed=74)
    c.glow(250, 260, 360, "#ffd98a", 0.95)
    c.circle(250, 270, 120, "#ffe7ae")
    for y in range(40, 520, 26):
        c.rect(0, y, 500, 13, "#2a120d", 0.82)
    c.line([(120, 30), (120, 520)], 2, "#2a120d")
    c.line([(380, 30), (380, 520)], 2, "#2a120d")
    c.rect(0, 520, 500, 230, "#1c0c0a")
    c.poly([(196, 384), (304, 384), (290, 566), (210, 566)], "#f6e3bb", 0.28)
    c.poly([(201, 446), (299, 446), (289, 560), (211, 560)], "#3fa3a8", 0.9)
    c.ellipse(250, 446, 49, 8, "#7fd0d0")
    c.ellipse(250, 384, 54, 9, "#f6e3bb", 0.55)
    c.line([(204, 392), (216, 560)], 2.5, "#fff6dd", 0.8)
    c.ellipse(250, 570, 92, 9, "#3fa3a8", 0.35)
    c.title(["CHINATOWN"], 632, "#ffe0a0", face="serif", size=40, width=410, tracking=0.08, note="1974")
    c.frame("#ffd98a", 0.5)
    return c


def jaws() -> Canvas:
    """A small boat by night, and below it the size of the matter."""
    c = Canvas("#f0d9a6", "#f5ead0", seed=75)
    c.circle(370, 120, 42, "#e4572e")
    c.gradient("#2a8fa6", "#06222f", 232, 518)
    waves = curve((0, 236), (80, 228), (160, 238), (250, 230), (340, 238), (420, 228), (500, 236))
    c.poly([*waves, (500, 262), (0, 262)], "#2a8fa6")
    c.poly([(176, 214), (268, 214), (254, 240), (192, 240)], "#7a2f1d")
    c.rect(205, 194, 30, 22, "#f4efe2")
    c.line([(220, 196), (220, 146)], 3, "#3b2a22")
    c.poly([(222, 150), (250, 160), (222, 170)], "#e4572e")
    shade = "#041821"
    c.poly(curve((62, 520), (120, 452), (210, 418), (300, 424), (390, 470), (452, 528), (386, 556), (300,
            580), (200, 590), (110, 566), (62, 520)), shade, 0.92)
    c.poly([(228, 424), (262, 330), (306, 430)], shade, 0.92)
    c.poly([(190, 578), (160, 652), (258, 584)], shade, 0.92)
    c.poly([(430, 516), (496, 436), (478, 530), (498, 612), (430, 546)], shade, 0.92)
    c.circle(122, 500, 6, "#d7eef2")
    for i in range(4):
        c.line([(168 + i * 13, 486), (160 + i * 13, 530)], 2.2, "#2a8fa6", 0.7)
    mouth = curve((74, 528), (104, 540), (142, 538))
    c.line(mouth, 2.5, "#d7eef2")
    for x, y in mouth[2::6]:
        c.poly([(x - 4, y), (x + 4, y), (x, y + 9)], "#d7eef2")
    c.rays(250, 236, 40, "#bfe8ee", 0.04, r=700)
    c.dots(60, "#bfe8ee", sizes=(1, 2.6), top=270, alpha=0.4)
    c.title(["JAWS"], 644, "#f4efe2", face="bold", size=48, width=300, tracking=0.1, note="1975")
    return c


def alien() -> Canvas:
    """A corridor with eight sides, and something that waits at its end."""
    c = Canvas("#060a0a", "#0b1513", seed=79)
    for i in range(9, 0, -1):
        r = 30 + i * i * 6.4
        shade = f"#{10 + i * 2:02x}{20 + i * 5:02x}{19 + i * 4:02x}"
        c.poly([around(250, 330, r, a, r * 1.1) for a in range(22, 382, 45)], shade)
        c.poly([around(250, 330, r * 0.93, a, r * 1.02) for a in range(22, 382, 45)], "#050908", 0.75)
        for a in range(22, 382, 45):
            c.circle(*around(250, 330, r * 0.965, a, r * 1.06), 1.5 + i * 0.4, "#7df0a5", 0.35)
    c.glow(250, 336, 150, "#8effb2", 1.0)
    c.ellipse(250, 338, 32, 36, "#d8ffe2")
    dark = "#020403"
    c.poly(curve((236, 388), (238, 352), (230, 322), (244, 300), (268, 300), (296, 312), (270, 320), (262,
            352), (266, 388)), dark)
    c.line(curve((240, 340), (222, 356), (226, 382)), 4, dark)
    c.line(curve((262, 340), (280, 356), (274, 384)), 4, dark)
    c.line(curve((252, 380), (300, 402), (320, 360), (302, 330)), 4, dark)
    c.poly([(298, 336), (296, 316), (308, 330)], dark)
    c.gradient("#060a0a", "#060a0a", 540, 210, alphas=(0, 1))
    c.title(["ALIEN"], 640, "#c8ffd8", size=34, width=400, tracking=0.75, note="1979")
    return c


SCENES = (
    the_good_the_bad_and_the_ugly,
    a_space_odyssey,
    duel,
    chinatown,
    jaws,
    alien,
)
