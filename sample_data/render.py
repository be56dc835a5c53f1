"""Pictures of the SYNTHETIC emoji world: one to three emoji, turned and scaled, on a background."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from concepts import Concept, cumulative, draw_glyph, load_font
from law import LAW, Law
from streams import Stream, pick_weighted, stream

# 694 bytes a picture at 29.6 dB; a JPEG of quality 80 takes 1,193 bytes for 28.8 dB (2,000 pictures).
# Effort 2 of 0..6 takes 70 % of the time of the default 4, for 4 % more bytes.
QUALITY = 75
EFFORT = 2

RGB = {
    "white": (250, 250, 250),
    "blue": (96, 160, 226),
    "green": (118, 186, 108),
    "black": (26, 26, 30),
    "grey": (160, 163, 168),
    "pink": (246, 178, 200),
    "yellow": (250, 222, 110),
    "red": (206, 66, 62),
    "orange": (244, 158, 76),
    "purple": (146, 104, 190),
    "brown": (134, 96, 70),
    "beige": (234, 220, 194),
}

# Where the objects of a picture stand (x, y) and how large they are (least, most), in parts of the picture's
# side.
Layout = tuple[tuple[tuple[float, float], ...], tuple[float, float]]
LAYOUTS: dict[int, tuple[Layout, ...]] = {
    1: ((((0.5, 0.5),), (0.55, 0.95)),),
    2: (
        (((0.28, 0.5), (0.72, 0.5)), (0.40, 0.54)),
        (((0.5, 0.28), (0.5, 0.72)), (0.40, 0.54)),
        (((0.30, 0.32), (0.70, 0.68)), (0.40, 0.54)),
    ),
    3: (
        (((0.5, 0.27), (0.27, 0.72), (0.73, 0.72)), (0.36, 0.48)),
        (((0.27, 0.28), (0.73, 0.28), (0.5, 0.73)), (0.36, 0.48)),
    ),
}
MAX_TURN = np.deg2rad(25)
# Glyphs are kept at these parts of the picture's side: a bilinear reduction by more than 1.5 would alias.
LEVELS = (1.0, 0.7, 0.5, 0.36)

BACKGROUND_BLOBS = 3


@dataclass(frozen=True)
class Placed:
    """One object: its centre and side in parts of the picture's side, its turn in radians, its brightness."""

    concept: int
    x: float
    y: float
    side: float
    turn: float
    gain: float


@dataclass(frozen=True)
class Scene:
    """What a picture shows, before a pixel is drawn."""

    objects: tuple[Placed, ...]
    color: str
    pattern: str

    @property
    def concepts(self) -> list[int]:
        """Ranks of the concepts, each once, in the order of the objects."""
        return list(dict.fromkeys(placed.concept for placed in self.objects))


class Painter:
    """Draws scenes of one world at one size; holds every glyph at a few sizes (some 40 MB at 64 px)."""

    def __init__(self, concepts: Sequence[Concept], size: int) -> None:
        self.size = size
        self.cumulative = cumulative(concepts)
        font = load_font()
        self.glyphs = [glyph_levels(draw_glyph(font, concept.emoji), size) for concept in concepts]
        self.grid = (np.arange(size, dtype=np.float32) + 0.5) / size  # (S,) pixel centres in (0, 1)

    def scene(self, seed: int, index: int) -> Scene:
        """The scene of pair `index` of the pool."""
        return draw_scene(stream(seed, Stream.SCENE, index), self.cumulative)

    def picture(self, scene: Scene, rng: np.random.Generator) -> tuple[bytes, list[list[float]]]:
        """The encoded picture, and one box (x0, y0, x1, y1) in pixels an object."""
        pixels, boxes = self.pixels(scene, rng)
        return encode(pixels), boxes

    def pixels(self, scene: Scene, rng: np.random.Generator) -> tuple[np.ndarray, list[list[float]]]:
        """(S, S, 3) uint8, and the boxes of the objects; an object behind another keeps its whole box."""
        canvas = paint_background(scene, self.grid, rng)  # (S, S, 3) float32 in 0..255
        boxes = []
        for placed in scene.objects:
            layer = self.place(placed)
            boxes.append([float(edge) for edge in layer.getbbox() or (0, 0, 0, 0)])
            glyph = np.asarray(layer, dtype=np.float32)  # (S, S, 4), colours already multiplied by alpha
            canvas *= 1.0 - glyph[..., 3:] / 255.0
            canvas += glyph[..., :3] * np.float32(placed.gain)
        grain = int(rng.random() * 5)  # levels of grey; 0 is a clean picture
        if grain:
            canvas += rng.integers(-grain, grain + 1, (*canvas.shape[:2], 1), dtype=np.int8)
        return np.clip(canvas, 0, 255).astype(np.uint8), boxes

    def place(self, placed: Placed) -> Image.Image:
        """The glyph turned, scaled and moved onto an empty picture, colours multiplied by alpha."""
        levels = self.glyphs[placed.concept]
        wanted = placed.side * self.size
        glyph = next((level for level in reversed(levels) if level.width >= wanted), levels[0])
        zoom = glyph.width / wanted
        cos, sin = zoom * np.cos(placed.turn), zoom * np.sin(placed.turn)
        x, y, half = placed.x * self.size, placed.y * self.size, glyph.width / 2
        # from a pixel of the picture to a point of the glyph
        matrix = (cos, sin, half - cos * x - sin * y, -sin, cos, half + sin * x - cos * y)
        shape = (self.size, self.size)
        return glyph.transform(shape, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def draw_scene(rng: np.random.Generator, shares: np.ndarray, law: Law = LAW) -> Scene:
    """A scene by the law; every object is an independent draw by Zipf, so a concept may stand twice.

    shares: (M,) float64, the cumulative shares of the concepts
    """
    count = pick_weighted(rng, list(enumerate(law.object_counts, start=1)))
    found = np.searchsorted(shares, rng.random(count), side="right")
    return place_objects(rng, [min(int(concept), len(shares) - 1) for concept in found], law)


def place_objects(rng: np.random.Generator, concepts: Sequence[int], law: Law = LAW) -> Scene:
    """A scene that shows these concepts."""
    spots, (least, most) = LAYOUTS[len(concepts)][int(rng.random() * len(LAYOUTS[len(concepts)]))]
    objects = []
    for concept, (x, y) in zip(concepts, spots, strict=True):
        u = rng.random(5)
        side = least + (most - least) * u[0]
        # a single large object has little room to move in
        room = 0.05 + 0.5 * max(0.0, 1.0 - side) * (len(concepts) == 1)
        objects.append(
            Placed(
                concept=concept,
                x=x + room * (u[1] - 0.5),
                y=y + room * (u[2] - 0.5),
                side=side,
                turn=MAX_TURN * (2 * u[3] - 1),
                gain=0.86 + 0.2 * u[4],
            )
        )
    return Scene(
        objects=tuple(objects), color=pick_weighted(rng, law.colors), pattern=pick_weighted(rng, law.patterns)
    )


def paint_background(scene: Scene, grid: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(S, S, 3) float32 in about 0..255: the scene's colour in the scene's pattern."""
    size = len(grid)
    base = np.array(RGB[scene.color], dtype=np.float32) + rng.normal(0, 5, 3).astype(np.float32)
    # a second tone of the same colour: lighter, or darker where the colour is light
    other = base + np.float32((-1 if base.mean() > 128 else 1) * (18 + 45 * rng.random()))
    mix = np.zeros((size, size), dtype=np.float32)  # 0 is the colour itself, 1 the second tone
    if scene.pattern == "gradient":
        angle = 2 * np.pi * rng.random()
        mix = 0.5 + 0.7 * (np.cos(angle) * (grid[None, :] - 0.5) + np.sin(angle) * (grid[:, None] - 0.5))
    elif scene.pattern == "blobs":
        for x, y, radius in rng.random((BACKGROUND_BLOBS, 3)):
            width = 2 * (0.12 + 0.2 * radius) ** 2
            mix = (
                mix
                + np.exp(-((grid - y) ** 2) / width)[:, None] * np.exp(-((grid - x) ** 2) / width)[None, :]
            )
    elif scene.pattern == "stripes":
        angle, bands = np.pi * rng.random(), 3 + 5 * rng.random()
        wave = np.cos(angle) * grid[None, :] + np.sin(angle) * grid[:, None]
        mix = 0.5 + 0.5 * np.clip(4 * np.sin(2 * np.pi * bands * wave), -1, 1)
    elif scene.pattern == "noise":
        coarse = Image.fromarray(rng.random((9, 9), dtype=np.float32))
        mix = np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))
    return base + mix.astype(np.float32)[..., None] * (other - base)


def glyph_levels(glyph: Image.Image | None, size: int) -> list[Image.Image]:
    """The glyph at LEVELS of the picture's side, largest first, colours multiplied by alpha (mode RGBa).

    Multiplied colours, or turning a glyph would draw a dark line along its edge.
    """
    if glyph is None:
        raise ValueError("the font draws nothing for this emoji")
    multiplied = glyph.convert("RGBa")
    sides = [max(1, round(level * size)) for level in LEVELS]
    return [multiplied.resize((side, side), Image.Resampling.LANCZOS) for side in sides]


def encode(pixels: np.ndarray) -> bytes:
    """A WebP file of (S, S, 3) uint8 pixels."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "WEBP", quality=QUALITY, method=EFFORT)
    return file.getvalue()
