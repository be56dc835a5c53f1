"""Pairs of the SYNTHETIC emoji world: a picture, an alt-text, an address, and the truth about them."""

import re
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

from captions import Caption, draw_kind, write
from concepts import Concept, load_concepts
from law import LAW
from render import Painter, Scene, place_objects
from streams import Stream, stream

SITE = "https://emoji-world.example"
SECTIONS = {
    "stock": ("stock/photos", "free-images"),
    "product": ("shop/products", "shop/media"),
    "blog": ("blog/wp-content/uploads",),
    "file_name": ("uploads", "gallery"),
    "date": ("uploads", "gallery"),
}


@dataclass(frozen=True)
class World:
    """What every pair of a world depends on, besides its number."""

    seed: int
    size: int  # side of a picture in pixels
    concepts: int | None = None  # so many, the most frequent ones; None: all
    zipf_exponent: float = LAW.zipf_exponent  # how steeply their frequencies fall


@dataclass(frozen=True)
class Pair:
    """One row of the pool, and one of the truth."""

    uid: str  # 32 hexadecimal digits
    url: str
    text: str
    image: bytes  # a WebP file
    objects: list[str]  # concept names, one an object
    boxes: list[list[float]]  # (x0, y0, x1, y1) in pixels, one an object
    language: str
    kind: str
    swapped: bool


@dataclass(frozen=True)
class EvalPicture:
    """One row of the evaluation set: a single object."""

    uid: str
    image: bytes  # a WebP file
    label_id: int


@cache
def drawn(count: int | None, zipf_exponent: float, size: int) -> tuple[list[Concept], Painter]:
    """Concepts and painter, once a process: drawing the glyphs takes two seconds."""
    concepts = load_concepts(count, zipf_exponent)
    return concepts, Painter(concepts, size)


def make_pairs(world: World, start: int, stop: int) -> list[Pair]:
    """Pairs start..stop-1 of the pool of this world."""
    return [make_pair(world, index) for index in range(start, stop)]


def make_pair(world: World, index: int) -> Pair:
    """Pair `index`; it depends on nothing but the world and this number."""
    concepts, painter = drawn(world.concepts, world.zipf_exponent, world.size)
    seed = world.seed
    scene = painter.scene(seed, index)
    image, boxes = painter.picture(scene, stream(seed, Stream.PIXELS, index))
    caption = draw_caption(seed, index, scene, concepts, painter)
    uid = make_uid("pool", seed, index)
    return Pair(
        uid=uid,
        url=make_url(uid, caption),
        text=caption.text,
        image=image,
        objects=[concepts[placed.concept].name for placed in scene.objects],
        boxes=boxes,
        language=caption.language,
        kind=caption.kind,
        swapped=caption.swapped,
    )


def draw_caption(seed: int, index: int, scene: Scene, concepts: list[Concept], painter: Painter) -> Caption:
    """The caption of pair `index`, which shows `scene`."""
    rng = stream(seed, Stream.CAPTION, index)
    kind, language, swapped = draw_kind(rng)
    if swapped:
        scene = other_scene(seed, index, scene, painter)
    return Caption(write(rng, kind, language, scene, concepts), kind, language, swapped)


def other_scene(seed: int, index: int, scene: Scene, painter: Painter) -> Scene:
    """The scene of the next pair that shares no concept with this one; the pool may end before it."""
    while True:
        index += 1
        other = painter.scene(seed, index)
        if not set(other.concepts) & set(scene.concepts):
            return other


def make_eval_pictures(world: World, per_concept: int, start: int, stop: int) -> list[EvalPicture]:
    """Evaluation pictures of the concepts start..stop-1, `per_concept` of each.

    They are the same in a world of fewer concepts, whose ranks begin alike.
    """
    _, painter = drawn(world.concepts, world.zipf_exponent, world.size)
    pictures = []
    for concept in range(start, stop):
        for number in range(per_concept):
            # not concept * per_concept + number: asking for more pictures must keep the first ones
            rng = stream(world.seed, Stream.EVAL, concept + (number << 20))
            image, _ = painter.picture(place_objects(rng, [concept]), rng)
            pictures.append(EvalPicture(make_uid("eval", world.seed, concept, number), image, concept))
    return pictures


def make_uid(*parts: object) -> str:
    """32 hexadecimal digits, the same for the same parts on every machine."""
    return blake2b("/".join(["emoji-world", *map(str, parts)]).encode(), digest_size=16).hexdigest()


def make_url(uid: str, caption: Caption) -> str:
    """An address as a site of this kind of caption would give it, unique through a part of the uid.

    >>> make_url("0123456789abcdef" * 2, Caption("IMG_1234.jpg", "file_name", "und", False))
    'https://emoji-world.example/gallery/0123456789/IMG_1234.jpg'
    """
    sections = SECTIONS.get(caption.kind, ("img", "images", "media"))
    section = sections[int(uid[-2:], 16) % len(sections)]
    if caption.kind == "file_name":
        name = caption.text.replace(" ", "%20")
        name = name if "." in name else f"{name}.jpg"
    else:
        words = re.findall("[a-z0-9]+", caption.text.lower())[:8]
        name = "-".join([*words, uid[10:14]]) + ".jpg"
    return f"{SITE}/{section}/{uid[:10]}/{name}"
