"""Posters for movies of the 2010s."""

# fmt: off

from scripts.draw_samples.canvas import Canvas, around, curve


def whiplash() -> Canvas:
    """A cymbal under one hard light, two sticks, some red."""
    c = Canvas("#0d0b0a", "#1d1512", seed=114)
    c.poly([(226, 0), (274, 0), (470, 560), (30, 560)], "#f2b84b", 0.16)
    c.poly([(238, 0), (262, 0), (400, 560), (100, 560)], "#f2b84b", 0.16)
    c.ellipse(250, 470, 178, 60, "#a8231c")
    c.rect(72, 470, 356, 96, "#7a1813")
    c.ellipse(250, 566, 178, 60, "#7a1813")
    for x in range(86, 430, 41):
        c.rect(x, 482 + 52 * (1 - ((x - 250) / 178) ** 2) ** 0.5, 6, 84, "#d9c38a")
    c.ellipse(250, 466, 178, 60, "#d9c38a")
    c.ellipse(250, 464, 168, 54, "#f6efe0")
    c.ellipse(262, 470, 52, 16, "#cfc4ae", 0.6)
    for i in range(9):
        c.ellipse(150, 270, 126 - i * 13, 34 - i * 3.6, ("#e0a93b", "#c98f2a")[i % 2])
    c.ellipse(150, 262, 24, 12, "#f4cf73")
    c.line([(150, 280), (120, 480)], 4, "#8b7f70")
    for a, b in (((300, 452), (470, 250)), ((250, 470), (176, 640))):
        c.line([a, b], 9, "#e8cf9c")
        c.circle(*a, 8, "#e8cf9c")
    for _ in range(34):
        turn, r = float(c.chance.uniform(190, 350)), float(c.chance.uniform(30, 120))
        c.circle(*around(292, 452, r, turn, r * 0.7), float(c.chance.uniform(1, 4.5)), "#d7263d")
    c.ellipse(310, 462, 15, 6, "#d7263d")
    c.title(["WHIPLASH"], 656, "#f6efe0", face="bold", size=42, width=410, tracking=0.05, note="2014")
    return c


def mad_max_fury_road() -> Canvas:
    """A lorry ahead of a storm of sand."""
    c = Canvas("#0f6e84", "#f08a24", seed=115)
    c.glow(370, 260, 300, "#ffd27a", 0.85)
    for x, y, r, shade in ((-10, 330, 150, "#8f3a12"), (90, 250, 110, "#a8481a"), (40, 420, 130, "#b9561f"),
            (150, 360, 90, "#c9672a"), (-20, 210, 100, "#7a2f10"), (200, 440, 70, "#d97b35"), (110, 160, 66,
            "#8f3a12")):
        c.circle(x, y, r, shade)
        for k in range(5):
            c.arc(x, y, r - 8 - k * 14, 200 + k * 22, 330 + k * 9, 3, "#f2a65a", 0.3)
    c.line([(70, 120), (98, 190), (82, 206), (120, 290)], 4, "#fff3c4", 0.95)
    c.hills(520, 10, "#d9722a", waves=0.7)
    c.hills(560, 14, "#b1521b", waves=1.1)
    dark = "#1a0d07"
    c.rect(150, 452, 176, 62, dark)
    c.ellipse(150, 483, 22, 31, dark)
    c.rect(330, 436, 66, 82, dark)
    c.poly([(396, 470), (450, 476), (456, 518), (396, 518)], dark)
    c.poly([(340, 446), (386, 446), (392, 470), (340, 470)], "#f3b35c")
    for x in (336, 346):
        c.rect(x, 396, 6, 50, dark)
        c.poly([(x, 396), (x + 6, 396), (x - 4, 352), (x - 18, 366)], "#ffd27a", 0.9)
    for x in (176, 222, 268, 352, 426):
        c.circle(x, 524, 25, dark)
        c.circle(x, 524, 10, "#8a4a20")
    for x in range(158, 320, 20):
        c.poly([(x, 454), (x + 12, 454), (x + 6, 428)], dark)
    c.line([(250, 452), (256, 380)], 4, dark)
    c.poly([(256, 380), (300, 392), (256, 406)], "#c1272d")
    for i in range(14):
        x = 130 - i * 16
        c.circle(x, 540 - float(c.chance.uniform(0, 16)), 12 + i * 1.6, "#e8a15a", 0.5)
    for x, y in ((70, 590), (420, 600), (300, 612)):
        c.poly([(x - 26, y), (x + 20, y), (x + 26, y + 11), (x - 32, y + 11)], dark)
        c.circle(x - 17, y + 13, 8, dark)
        c.circle(x + 15, y + 13, 8, dark)
    c.title(["MAD MAX", "FURY ROAD"], 628, "#ffe2ae", face="bold", size=32, width=400, tracking=0.04,
            note="2015")
    return c


def dunkirk() -> Canvas:
    """Lines of men on the sand, a grey sea, one aeroplane."""
    x: float
    y: float
    c = Canvas("#8fa3ab", "#d8d9cf", seed=117)
    c.glow(330, 190, 280, "#f3f0e2", 0.9)
    for x, y, r in ((60, 250, 60), (96, 190, 50), (70, 130, 44), (130, 110, 40), (150, 60, 46)):
        c.circle(x, y, r, "#6d7d84")
    c.rect(0, 330, 500, 120, "#6f8791")
    c.gradient("#7d949c", "#a9b7b7", 330, 120)
    for _ in range(70):
        x, y = float(c.chance.uniform(-20, 500)), float(c.chance.uniform(336, 446))
        c.rect(x, y, float(c.chance.uniform(12, 50)), 1.4, "#e7ebe6", 0.5)
    c.poly([(300, 322), (452, 322), (438, 344), (314, 344)], "#37444a")
    c.rect(356, 300, 50, 24, "#37444a")
    c.rect(372, 280, 12, 22, "#37444a")
    c.rect(0, 446, 500, 310, "#cbb98f")
    c.gradient("#cbb98f", "#8e7d57", 446, 304)
    c.poly([(0, 446), (500, 446), (500, 452), (0, 456)], "#f0ede0")
    for start, end, count in (((180, 456), (40, 640), 22), ((250, 456), (238, 650), 22), ((318, 456), (440,
            640), 22)):
        for i in range(count):
            t = (i / (count - 1)) ** 1.7
            x, y, h = start[0] + (end[0] - start[0]) * t, start[1] + (end[1] - start[1]) * t, 10 + 56 * t
            c.person(x, y, h, "#262b28", coat=0.24)
            c.ellipse(x, y - h * 0.95, h * 0.11, h * 0.055, "#262b28")
    dark = "#1c2124"
    c.poly(curve((214, 148), (240, 134), (300, 112), (352, 92), (366, 92), (360, 104), (310, 128), (236,
            154), (214, 148)), dark)
    c.poly(curve((300, 112), (262, 66), (238, 34), (226, 34), (232, 62), (258, 108), (282, 122)), dark)
    c.poly(curve((316, 124), (352, 148), (400, 176), (404, 186), (386, 186), (332, 164), (290, 134)), dark)
    c.poly([(226, 146), (206, 120), (214, 118), (240, 138)], dark)
    c.poly([(232, 152), (246, 172), (254, 170), (248, 146)], dark)
    c.gradient("#4a4029", "#3a3220", 560, 190, alphas=(0, 0.95))
    c.title(["DUNKIRK"], 652, "#f0ede0", size=40, width=400, tracking=0.3, note="2017", weight=0.2)
    return c


def free_solo() -> Canvas:
    """A wall of granite, and a very small man without a rope."""
    c = Canvas("#f6a15b", "#f9dcae", seed=118)
    c.circle(110, 170, 56, "#fff2cf")
    c.glow(110, 170, 250, "#fff2cf", 0.6)
    c.hills(560, 40, "#c98a6b", waves=1.1)
    c.hills(620, 24, "#8a6a62", waves=1.6)
    wall = [(500, 0), (262, 0), (248, 80), (266, 150), (232, 230), (244, 320), (206, 420), (214, 520), (176,
            640), (160, 750), (500, 750)]
    c.poly(wall, "#4d5560")
    c.poly([(500, 0), (352, 0), (338, 120), (366, 230), (330, 340), (352, 470), (316, 600), (320, 750),
            (500, 750)], "#39414c")
    c.poly([(500, 60), (430, 90), (446, 260), (412, 420), (430, 600), (410, 750), (500, 750)], "#2a313b")
    for points in (((300, 40), (292, 140), (312, 220), (296, 330)), ((270, 260), (280, 380), (262, 470),
            (270, 600)), ((386, 160), (378, 300), (398, 420), (384, 560)), ((236, 440), (226, 560), (240,
            680))):
        c.line(curve(*points), 2, "#232a33", 0.8)
        c.line([(x - 2, y) for x, y in curve(*points)], 0.9, "#8b95a1", 0.6)
    x, y = 240, 300
    c.line([(x + 4, y), (x - 5, y + 12), (x + 4, y + 25)], 4.5, "#1d1f24")
    c.line([(x + 4, y), (x + 14, y + 11), (x + 3, y + 33)], 4.5, "#1d1f24")
    c.poly([(x, y + 3), (x + 10, y + 3), (x + 12, y - 19), (x + 1, y - 19)], "#d7263d")
    c.circle(x + 6, y - 25, 5.5, "#1d1f24")
    c.line([(x + 3, y - 17), (x - 3, y - 30), (x + 7, y - 43)], 3.4, "#d9a27c")
    c.line([(x + 11, y - 17), (x + 20, y - 25), (x + 17, y - 38)], 3.4, "#d9a27c")
    for i in range(60):
        tx = float(c.chance.uniform(-10, 190))
        h = 22 + float(c.chance.uniform(0, 30))
        base = 690 + float(c.chance.uniform(0, 50))
        c.poly([(tx - h * 0.22, base), (tx, base - h), (tx + h * 0.22, base)],
                "#3b4a3f" if i % 2 else "#2f3c34")
    c.rect(0, 734, 200, 20, "#2f3c34")
    c.title(["FREE", "SOLO"], 48, "#3a2a26", face="bold", size=44, width=200, tracking=0.02, note="2018",
            x=36, anchor=0)
    return c


def knives_out() -> Canvas:
    """A wheel of blades around an empty chair."""
    c = Canvas("#2b1115", "#5a1f1f", seed=119)
    for x in range(0, 500, 50):
        for y in range(0, 750, 50):
            c.poly([(x + 25, y + 8), (x + 36, y + 25), (x + 25, y + 42), (x + 14, y + 25)], "#7a2c28", 0.4)
    c.glow(250, 320, 290, "#f0b45a", 0.75)
    for i in range(24):
        a = i * 15
        inner, outer, side = 120, 214, 6.5
        p, q = around(250, 320, inner, a), around(250, 320, outer - 26, a)
        dx, dy = around(0, 0, side, a + 90)
        c.poly([p, (q[0] + dx, q[1] + dy), around(250, 320, outer, a), (q[0] - dx,
                q[1] - dy)] if i % 2 else [around(250, 320, inner - 14, a), (q[0] + dx, q[1] + dy),
                (q[0] - dx, q[1] - dy)], "#e9edf0")
        c.line([around(250, 320, inner, a), q], 1.2, "#8b98a1")
        c.line([around(250, 320, outer - 22, a), around(250, 320, outer + 16, a)], 9, "#1b0d0e")
        c.circle(*around(250, 320, outer + 2, a), 1.8, "#d9a441")
    dark = "#1b0d0e"
    c.poly(curve((214, 330), (208, 270), (222, 236), (250, 226), (278, 236), (292, 270), (286, 330)), dark)
    c.poly(curve((224, 326), (220, 276), (232, 248), (250, 242), (268, 248), (280, 276), (276, 326)),
            "#7a2c28")
    c.rect(206, 326, 88, 16, dark)
    for x in (208, 282):
        c.rect(x, 340, 9, 58, dark)
        c.line([(x + 4, 334), (x + 4, 300)], 7, dark)
    c.title(["KNIVES OUT"], 606, "#f4d9a0", face="serif", size=44, width=410, tracking=0.05, note="2019")
    c.frame("#d9a441")
    return c


SCENES = (
    whiplash,
    mad_max_fury_road,
    dunkirk,
    free_solo,
    knives_out,
)
