"""Posters for movies of the 2000s."""

# fmt: off

from scripts.draw_samples.canvas import Canvas, Point, around, curve


def amelie() -> Canvas:
    """A skipping stone on the canal, the white church, and a travelling gnome's red cap."""
    c = Canvas("#2f6b3a", "#a8c256", seed=101)
    c.glow(360, 150, 240, "#fff2a8", 0.9)
    c.circle(360, 150, 52, "#fff7d1")
    c.hills(350, 20, "#255230", waves=0.8)
    church = "#f4ecd2"
    c.rect(196, 268, 108, 90, church)
    c.poly(curve((216, 270), (218, 214), (250, 168), (282, 214), (284, 270)), church)
    c.rect(245, 144, 10, 30, church)
    for x in (184, 292):
        c.rect(x, 262, 24, 96, church)
        c.poly(curve((x, 264), (x + 2, 238), (x + 12, 220), (x + 22, 238), (x + 24, 264)), church)
    for x in (212, 241, 270):
        c.rect(x, 316, 18, 42, "#b7a873")
        c.circle(x + 9, 316, 9, "#b7a873")
    c.skyline(430, (20, 70), "#1b3d24", widths=(30, 60), lit="#ffd166", share=0.35, bottom=452)
    c.rect(0, 450, 500, 14, "#123018")
    c.gradient("#2b7a4b", "#0f2c1c", 464, 290)
    for x, y, r in ((120, 500, 34), (196, 524, 42), (286, 552, 52)):
        for ring in range(3):
            c.ellipse(x, y, r - ring * 11, (r - ring * 11) * 0.26, "#d9f0b4", 0.18 + ring * 0.12)
    c.line(curve((70, 470), (96, 452), (120, 498), (156, 470), (196, 522), (240, 480), (286, 550), (330,
            500), (362, 496)), 1.6, "#fff7d1", 0.7)
    c.ellipse(366, 494, 10, 5, "#fff7d1")
    c.poly([(398, 640), (472, 640), (458, 560), (412, 560)], "#2a5db0")
    c.circle(435, 548, 24, "#f2c9a1")
    c.poly(curve((413, 552), (418, 590), (435, 606), (452, 590), (457, 552), (435, 570), (413, 552)),
            "#f7f3e8")
    c.poly([(408, 540), (462, 540), (442, 468)], "#c1121f")
    c.title(["AMÉLIE"], 656, "#fff2c4", face="italic", size=48, width=300, tracking=0.1, note="2001")
    return c


def spirited_away() -> Canvas:
    """A bath house full of light beyond a bridge, above still water."""
    x: float
    y: float
    c = Canvas("#151b47", "#c8507a", seed=129)
    c.dots(150, "#fff3da", bottom=260)
    c.glow(250, 300, 300, "#ffb347", 0.75)
    c.circle(400, 96, 30, "#ffeec2")
    c.rect(0, 452, 500, 300, "#2a1c50")
    c.gradient("#a8436f", "#120f33", 452, 300)
    c.poly([(96, 452), (130, 400), (370, 400), (404, 452)], "#1a1233")
    for level, (w, y) in enumerate(((250, 400), (214, 346), (168, 292), (116, 240))):
        c.rect(250 - w / 2, y - 44, w, 46, "#7a2336")
        for x in range(int(250 - w / 2) + 10, int(250 + w / 2) - 12, 20):
            c.rect(x, y - 34, 12, 24, "#ffd27a")
            c.rect(x + 5.4, y - 34, 1.3, 24, "#7a2336")
        c.poly(curve((250 - w / 2 - 34, y - 36), (250 - w / 2 - 6, y - 48), (250 - w / 2 + 14,
                y - 66)) + curve((250 + w / 2 - 14, y - 66), (250 + w / 2 + 6, y - 48), (250 + w / 2 + 34,
                y - 36)), "#123b45")
        c.circle(250 - w / 2 - 26, y - 26, 5, "#ff6b3d") if level < 3 else None
        c.circle(250 + w / 2 + 26, y - 26, 5, "#ff6b3d") if level < 3 else None
    c.rect(330, 190, 20, 110, "#1a1233")
    for i in range(5):
        c.circle(344 + i * 13, 180 - i * 15, 9 + i * 4, "#f4d8d0", 0.42 - i * 0.06)
    c.poly(curve((0, 520), (120, 486), (250, 474), (380, 486), (500, 520)) + curve((500, 536), (380, 502),
            (250, 490), (120, 502), (0, 536)), "#c1272d")
    for x in range(10, 500, 32):
        y = 474 + 46 * ((x - 250) / 250) ** 2
        c.rect(x, y - 26, 4, 30, "#c1272d")
        c.rect(x, y + 10, 5, 60, "#6b1529")
    c.line(curve((0, 494), (120, 460), (250, 448), (380, 460), (500, 494)), 4, "#c1272d")
    c.person(262, 476, 44, "#fff3da", coat=0.26)
    for _ in range(60):
        x, y = float(c.chance.uniform(60, 440)), float(c.chance.uniform(550, 650))
        c.rect(x, y, float(c.chance.uniform(8, 34)), 1.6, "#ffc46b", 0.45)
    c.title(["SPIRITED AWAY"], 664, "#ffeec2", face="serif", size=34, width=410, tracking=0.06, note="2001")
    return c


def march_of_the_penguins() -> Canvas:
    """A long walk across the ice."""
    c = Canvas("#f4b183", "#cfe5f2", seed=105)
    c.circle(136, 226, 54, "#fff3dc")
    c.glow(136, 226, 260, "#fff0d0", 0.8)
    c.poly([(0, 380), (50, 300), (96, 340), (150, 270), (214, 352), (270, 310), (330, 380)], "#9cc3dc")
    c.poly([(150, 270), (214, 352), (176, 344), (160, 318)], "#e9f5fb")
    c.poly([(260, 390), (340, 286), (404, 352), (450, 318), (500, 360), (500, 400)], "#86b3d1")
    c.poly([(340, 286), (404, 352), (362, 346), (350, 320)], "#e9f5fb")
    c.rect(0, 376, 500, 380, "#dff0f8")
    c.gradient("#e9f5fb", "#b7d8ea", 376, 374)
    for i in range(17):
        t = i / 16
        x, y, h = 470 - 400 * t + 60 * t * t, 396 + 4 * i + 96 * t**2.2, 20 + 130 * t**2
        dark = "#20303c"
        c.ellipse(x + h * 0.22, y + h * 0.01, h * 0.42, h * 0.05, "#7fa9c2", 0.5)
        c.poly(curve((x - h * 0.2, y), (x - h * 0.26, y - h * 0.4), (x - h * 0.12, y - h * 0.8), (x, y - h),
                (x + h * 0.13, y - h * 0.8), (x + h * 0.26, y - h * 0.4), (x + h * 0.2, y)), dark)
        c.poly(curve((x - h * 0.13, y - h * 0.02), (x - h * 0.17, y - h * 0.36), (x - h * 0.04,
                y - h * 0.72), (x + h * 0.1, y - h * 0.36), (x + h * 0.1, y - h * 0.02)), "#fbfdfd")
        c.circle(x - h * 0.035, y - h * 0.79, h * 0.035, "#f4a72c")
        c.poly([(x - h * 0.08, y - h * 0.93), (x - h * 0.25, y - h * 0.89), (x - h * 0.08, y - h * 0.87)],
                "#f4a72c")
        c.line([(x + h * 0.16, y - h * 0.7), (x + h * 0.3, y - h * 0.28)], max(1, h * 0.06), dark)
    c.dots(120, "#ffffff", sizes=(1, 3), top=150)
    c.title(["MARCH OF THE", "PENGUINS"], 628, "#20303c", size=27, width=400, tracking=0.2, note="2005",
            weight=0.25)
    return c


def high_school_musical() -> Canvas:
    """A ball in the air above a stage and its microphone."""
    x: float
    y: float
    c = Canvas("#c81d4e", "#6a1b6b", seed=106)
    for x, color in ((40, "#ffd23f"), (180, "#3bceac"), (330, "#ffd23f"), (460, "#3bceac")):
        c.poly([(x - 8, 0), (x + 8, 0), (250 + (x - 250) * 0.3 + 120, 600), (250 + (x - 250) * 0.3 - 120,
                600)], color, 0.2)
        c.rect(x - 16, 0, 32, 26, "#2b0b2e")
    for _ in range(110):
        x, y = c.chance.uniform(0, 500), c.chance.uniform(30, 600)
        s = c.chance.uniform(3, 8)
        color = ("#ffd23f", "#3bceac", "#ffffff", "#ff7aa2")[int(c.chance.integers(4))]
        c.poly([(x, y), (x + s, y + s * 0.4), (x + s * 0.6, y + s)], color, 0.9)
    c.glow(250, 236, 230, "#ffe9a8", 0.8)
    c.circle(250, 236, 112, "#ee8434")
    for a in (0, 90):
        c.line([around(250, 236, 112, a + 12), around(250, 236, 112, a + 192)], 4, "#4a1a12")
    c.ring(250, 236, 112, 4, "#4a1a12")
    c.line(curve(around(250, 236, 112, 60), (226, 262), (206, 250), around(250, 236, 112, 150)), 4, "#4a1a12")
    c.line(curve(around(250, 236, 112, 330), (296, 222), (276, 206), around(250, 236, 112, 240)), 4,
            "#4a1a12")
    c.ellipse(250, 640, 330, 80, "#3a0d3f")
    c.ellipse(250, 632, 300, 60, "#8d2b7f")
    c.line([(250, 620), (250, 446)], 6, "#1d0820")
    c.ellipse(250, 622, 40, 9, "#1d0820")
    c.rect(239, 414, 22, 44, "#1d0820")
    c.circle(250, 408, 21, "#d9d9e3")
    for k in (-12, -4, 4, 12):
        c.line([(250 - 18, 408 + k), (250 + 18, 408 + k)], 1, "#7a7a88")
        c.line([(250 + k, 390), (250 + k, 426)], 1, "#7a7a88")
    for x, y, t in ((96, 420, -14), (404, 392, 12), (116, 150, 8), (392, 118, -10)):
        c.ellipse(x, y, 13, 10, "#ffd23f")
        c.line([(x + 11, y), (x + 11 + t * 0.3, y - 54)], 4, "#ffd23f")
        c.line([(x + 11 + t * 0.3, y - 54), (x + 32, y - 38)], 6, "#ffd23f")
    c.title(["HIGH SCHOOL", "MUSICAL"], 644, "#fff3cf", face="bold", size=27, width=400, tracking=0.03,
            note="2006")
    return c


def pans_labyrinth() -> Canvas:
    """Rings of stone around a moon, and the horns of the wood."""
    c = Canvas("#0b1f26", "#1d4a4a", seed=107)
    c.glow(250, 320, 330, "#c9e7b0", 0.55)
    for i in range(6):
        r, gap = 206 - i * 29, (-90, 60, 200, 320, 110, 250)[i]
        c.arc(250, 330, r, gap + 14, gap + 346, 13, "#0a1417")
        c.arc(250, 326, r, gap + 14, gap + 346, 9, "#5f8a77")
        a = gap + 120 + i * 40
        c.line([around(250, 326, r - 4, a), around(250, 326, r - 32, a)], 8, "#5f8a77")
    c.glow(250, 326, 90, "#fff3c9", 1.0)
    c.circle(250, 326, 23, "#fff7dc")
    for side in (-1, 1):
        for start, length, lean in ((0, 178, 16), (60, 130, 30), (110, 100, 8)):
            c.bare_tree(250 + side * (236 - start * 0.3), 660, length, -90 - side * lean, 10, "#060d0f")
    horn = curve((196, 640), (146, 590), (130, 520), (160, 462), (206, 450), (226, 478), (206, 500), (186,
            490), (172, 522), (186, 574), (232, 620))
    c.poly(horn, "#060d0f")
    c.poly([(500 - x, y) for x, y in horn], "#060d0f")
    c.hills(650, 14, "#060d0f", waves=1.2)
    c.poly(curve((190, 700), (200, 630), (226, 596), (250, 590), (274, 596), (300, 630), (310, 700)),
            "#060d0f")
    c.person(250, 566, 66, "#0d2a22", coat=0.34)
    for _ in range(22):
        x, y = float(c.chance.uniform(60, 440)), float(c.chance.uniform(120, 560))
        c.glow(x, y, 12, "#f3e79b", 0.9)
    c.title(["PAN\u2019S LABYRINTH"], 668, "#e9efcf", face="serif", size=30, width=400,
            tracking=0.06, note="2006")
    return c


def man_on_wire() -> Canvas:
    """Two edges, one line, and somebody on it."""
    c = Canvas("#bcd0d9", "#f0e6d2", seed=108)
    c.glow(250, 200, 320, "#fffaf0", 0.8)
    for x, y, s in ((120, 470, 1.4), (350, 520, 1.6), (240, 600, 1.3)):
        for dx, dy, r in ((-50, 6, 26), (-14, -8, 36), (30, 2, 30), (60, 12, 18)):
            c.circle(x + dx * s, y + dy * s, r * s, "#ffffff", 0.4)
    for x, w in ((0, 104), (396, 104)):
        c.rect(x, 250, w, 500, "#5c6b75")
        for dx in range(6, w, 9):
            c.rect(x + dx, 262, 3.4, 500, "#8a99a1")
        c.rect(x, 250, w, 12, "#3f4b53")
    c.line([(104, 258), (250, 266), (396, 258)], 1.8, "#20262b")
    for end in ((104, 330), (396, 330)):
        c.line([(250 + (end[0] - 250) * 0.4, 262), end], 0.8, "#20262b", 0.6)
    dark = "#14181b"
    x, y = 238, 265
    c.line([(x - 2, y - 44), (x - 12, y - 22), (x - 9, y)], 6, dark)
    c.line([(x - 2, y - 44), (x + 8, y - 20), (x + 12, y)], 6, dark)
    c.poly([(x - 8, y - 42), (x + 5, y - 42), (x + 8, y - 74), (x - 10, y - 74)], dark)
    c.circle(x - 1, y - 84, 8, dark)
    c.line([(x - 8, y - 70), (x - 22, y - 52)], 4, dark)
    c.line([(x + 6, y - 70), (x + 20, y - 52)], 4, dark)
    c.line(curve((x - 96, y - 38), (x - 1, y - 54), (x + 94, y - 38)), 2.4, dark)
    for bx, by in ((320, 130), (344, 118), (364, 136), (150, 150), (168, 160)):
        c.line([(bx - 9, by - 4), (bx, by), (bx + 9, by - 4)], 1.8, dark, 0.8)
    c.gradient("#f0e6d2", "#f0e6d2", 560, 190, alphas=(0, 1))
    c.title(["MAN ON WIRE"], 640, "#20262b", size=36, width=400, tracking=0.26, note="2008")
    return c


def up() -> Canvas:
    """A house below all the balloons that there are."""
    x: float
    y: float
    c = Canvas("#5fb4e5", "#fdf1d6", seed=109)
    for x, y, s in ((70, 520, 1.3), (430, 470, 1.5), (250, 690, 1.8), (60, 690, 1.2), (450, 640, 1.4)):
        for dx, dy, r in ((-46, 6, 24), (-12, -8, 34), (28, 2, 28), (54, 12, 16)):
            c.circle(x + dx * s, y + dy * s, r * s, "#ffffff", 0.75)
    colors = ("#e63946", "#f4a261", "#f6d34b", "#2a9d8f", "#457bd6", "#9b5de5", "#ff7aa2", "#7bd389")
    spots: list[Point] = []
    for _ in range(170):
        a, r = float(c.chance.uniform(0, 360)), float(c.chance.uniform(0, 1)) ** 0.5
        spots.append(around(252, 232, 150 * r, a, 160 * r))
    for x, y in spots[::3]:
        c.line([(x, y + 16), (252, 486)], 0.7, "#5b5b66", 0.5)
    for i, (x, y) in enumerate(sorted(spots, key=lambda spot: spot[1])):
        c.ellipse(x, y, 17, 20, colors[i * 5 % len(colors)], 0.96)
        c.ellipse(x - 6, y - 8, 4, 6, "#ffffff", 0.45)
    c.rect(206, 520, 92, 66, "#f6d34b")
    c.poly([(192, 524), (252, 478), (312, 524)], "#7a4b94")
    c.poly([(222, 524), (252, 500), (282, 524)], "#f2a7c3")
    c.rect(280, 480, 12, 26, "#b5523b")
    c.rect(244, 550, 18, 36, "#3b7a57")
    for x in (216, 272):
        c.rect(x, 540, 16, 20, "#dff3ff")
        c.rect(x + 7, 540, 2, 20, "#ffffff")
    c.poly([(202, 586), (302, 586), (290, 600), (214, 600)], "#8a6a4f")
    c.title(["UP"], 634, "#2a4d69", face="bold", size=56, width=200, tracking=0.08, note="2009")
    return c


SCENES = (
    amelie,
    spirited_away,
    march_of_the_penguins,
    high_school_musical,
    pans_labyrinth,
    man_on_wire,
    up,
)
