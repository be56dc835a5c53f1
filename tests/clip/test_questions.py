import math
import socket

import numpy as np
import pytest

from curation.children import GARBLED
from curation.clip.classify import Classified, Picture, Seen
from curation.clip.frames import Message, floats, receive, send
from curation.clip.questions import FORMS, About, Source
from curation.clip.training_data import Nearest

SOURCE = Source("/a/model", "ViT-B-32")
FEATURES = np.random.default_rng(0).standard_normal((2, 5)).astype(np.float32)
SEEN = [
    Seen(name="a", image_features=FEATURES[0]),
    Seen(name="b", reason="image: cannot be decoded"),
    Seen(name="../c\udcff", image_features=FEATURES[1]),
]
ABOUT = About(
    name="model", digest="0" * 64, dimensions=5, logit_scale=100.0, preprocess_cfg={"size": [224, 224]},
    trained_on={"t": 20.0}, device="cpu", checks=(("names", "ok", ""),),
)  # fmt: skip
CLASSIFIED = Classified(
    names=("a", "b", "../c\udcff"),
    reasons=(None, "image: cannot be decoded", None),
    classnames=("dog", "cat"),
    cosine=np.array([[0.25, 0.5], [math.nan, math.nan], [-1, 1]], np.float32),
    logit_scale=100.0,
)

ASKED = [
    ("about", (SOURCE,), ABOUT),
    ("see", (SOURCE, [Picture(one.name, bytes(range(256))) for one in SEEN]), SEEN),
    ("see", (SOURCE, []), []),
    ("embed", (SOURCE, ["dog"], ["a {}"]), None),
    ("classify", (SOURCE, SEEN, ["dog", "cat"], {"dog": ["it barks"], "cat": ["a {}"]}), CLASSIFIED),
    ("nearest", (SOURCE, FEATURES), Nearest([[("a dog", 0.5)], []], 7, 9, drawn=True)),
    ("names", (), (["ViT-B-32/openai"], ["ViT-B-32"])),
]
IDS = [f"{what} {n}" for n, (what, _, _) in enumerate(ASKED)]


def crossed(message):
    """A message as it arrives at the other end."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        send(ours, message)
        return receive(theirs)


def plain(value):
    """A value with its arrays as lists, which == can compare."""
    if isinstance(value, np.ndarray):
        return [str(value.dtype), np.nan_to_num(value, nan=-9).tolist()]
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "__dataclass_fields__"):
        return [type(value), {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}]
    return value


@pytest.mark.parametrize(("what", "arguments", "value"), ASKED, ids=IDS)
def test_a_question_and_its_answer_arrive_as_they_were(what, arguments, value):
    form = FORMS[what]
    assert plain(form.unpack(crossed(form.pack(*arguments)))) == plain(arguments)
    assert plain(form.read(crossed(form.answer(value)), *arguments)) == plain(value)


def wrong_answers():
    nothing = [None, 7, "text", [], {}, [[]], [[None, 7]], math.inf, {"found": [], "looked_at": math.inf}]
    return [*map(Message, nothing), Message([["reason"], 5], (b"",)), Message([[None] * 3, 5], (b"\0" * 40,))]


@pytest.mark.parametrize(("what", "arguments", "value"), ASKED, ids=IDS)
@pytest.mark.parametrize("answer", wrong_answers())
def test_what_is_no_answer_to_a_question_is_refused(what, arguments, value, answer):
    if what == "embed" and answer.value is None:
        assert FORMS[what].read(answer, *arguments) is None
        return
    with pytest.raises(GARBLED):
        FORMS[what].read(answer, *arguments)


@pytest.mark.parametrize("size", [0, 4, 20, 28, 25])
def test_an_array_of_another_size_than_was_asked_for_is_refused(size):
    with pytest.raises(ValueError, match=r"reshape|buffer size"):
        FORMS["classify"].read(Message(100.0, (b"\0" * size,)), SOURCE, SEEN, ["dog", "cat"], ["{}"])


def test_a_message_that_comes_too_late_or_ends_early_is_told():
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            with pytest.raises(TimeoutError):
                receive(theirs, deadline=0)
            ours.sendall(b"\0\0\0")
        with pytest.raises(EOFError):
            receive(theirs)


def test_a_message_that_is_not_read_is_not_waited_for():
    ours, theirs = socket.socketpair()
    with ours, theirs, pytest.raises(TimeoutError):
        send(ours, Message(None, (bytes(10_000_000),)), deadline=0)


def test_floats_cross_to_the_last_bit():
    assert floats(FEATURES) == FEATURES.tobytes()
