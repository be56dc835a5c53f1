"""A checkpoint on an evaluation set: zero-shot, retrieval and linear probes, as rows of the table of results."""

import json
import os
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import cached_property
from typing import NamedTuple

import numpy as np

from curation.clip.checkpoint import Checkpoint
from curation.clip.datasets import EvalSet
from curation.clip.features import FeatureStore, item_digest
from curation.clip.probe import Head, choose_l2, draw, fit, text_head, zero_head
from curation.clip.protocol import Prompts, Protocol, Unit
from curation.clip.results import Key, Row
from curation.clip.scores import Score, accuracies, label_ranks, recalls
from curation.clip.zero_shot import class_embeddings, logits
from curation.engines.unit import Cancelled
from curation.errors import EmptyPool, UnreadableFile
from curation.pool.decode import rgb

OnProgress = Callable[[str, int, int], None]
"""Told what is under way, how much of it is done, and of how much."""

_ROWS = 1024


class Labelled(NamedTuple):
    """Pictures that have a feature and a label. features: (N, D) float32; label: (N,) int64; digests: (N,)."""

    features: np.ndarray
    label: np.ndarray
    digests: list[bytes]
    dropped: Counter[str]


class Bench:
    """A checkpoint and an evaluation set: what both together take is made once, however much is measured."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        data: EvalSet,
        prompts: Prompts,
        store: FeatureStore,
        on_progress: OnProgress = lambda what, done, total: None,
        cancel: Callable[[], bool] = lambda: False,
    ) -> None:
        """store: where features are kept; cancel: asked now and then, and once it is true `Cancelled` is raised."""
        self.checkpoint, self.data, self.prompts = checkpoint, data, prompts
        self._store, self._on_progress, self._cancel = store, on_progress, cancel

    def key(self, unit: Unit) -> Key:
        """What the rows of a unit are known by."""
        prompted = unit.protocol in ("zero-shot", "probe-text")
        return Key(
            checkpoint_digest=self.checkpoint.digest,
            data_digest=self.data.digest,
            templates=self.prompts.label if prompted else None,
            **unit._asdict(),
        )

    def measure(self, unit: Unit) -> list[Row]:
        """The rows of one unit; raises EmptyPool where not one picture can be read, Cancelled."""
        started = time.monotonic()
        l2 = None
        if unit.protocol == "zero-shot":
            scores, dropped = accuracies(self.zero_shot_ranks, self.test.label, self.classes), self.test.dropped
        elif unit.protocol == "retrieval":
            scores, dropped = self._retrieval()
        else:
            scores, dropped, l2 = self._probe(unit)
        dropped = dropped + self.data.dropped
        return [
            Row(
                **asdict(self.key(unit)),
                **asdict(score),
                checkpoint=self.checkpoint.name,
                data=self.data.name,
                dropped=dropped.total(),
                reasons=json.dumps(dict(dropped.most_common()), ensure_ascii=False),
                l2=l2,
                seconds=round(time.monotonic() - started, 3),
            )
            for score in scores
        ]

    @property
    def classes(self) -> int:
        """How many classes there are to choose from."""
        return len(self.data.classnames)

    @cached_property
    def class_embeddings(self) -> np.ndarray:
        """(C, D) float32, of the class names in all templates."""
        self._on_progress(f"{self.data.name}: class names", 0, self.classes)
        found = class_embeddings(self.checkpoint, self.data.classnames, self.prompts.templates, self._store)
        self._on_progress(f"{self.data.name}: class names", self.classes, self.classes)
        return found

    @cached_property
    def test(self) -> Labelled:
        """The pictures that are measured on."""
        return self._labelled(self.data.test, "test pictures")

    @cached_property
    def train(self) -> Labelled:
        """The pictures that a probe learns from."""
        return self._labelled(self.data.train, "training pictures")

    @cached_property
    def zero_shot_ranks(self) -> np.ndarray:
        """(N,) int64, of the test pictures: how many classes score at least as much as the right one."""
        scale, own = self.checkpoint.logit_scale, self.class_embeddings
        return self._ranks(lambda features: logits(features, own, scale))

    def _ranks(self, scored: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        features, label = self.test.features, self.test.label
        pieces = [slice(at, at + _ROWS) for at in range(0, len(label), _ROWS)]
        return np.concatenate([label_ranks(scored(features[piece]), label[piece]) for piece in pieces])

    def _probe(self, unit: Unit) -> tuple[list[Score], Counter[str], float]:
        train, what = self.train, f"{unit.protocol}, {unit.shots or 'all'} shots, seed {unit.seed}"
        fitted, held_out = draw(train.digests, train.label, unit.shots, unit.seed or 0)
        start = self._start(unit.protocol)
        tried = 0

        def next_fit() -> None:
            nonlocal tried
            self._stop_if_cancelled()
            self._on_progress(f"{self.data.name}: {what}", tried, 16)
            tried += 1

        l2 = choose_l2(train.features, train.label, fitted, held_out, start, next_fit)
        drawn = np.sort(np.concatenate([fitted, held_out]))
        head = fit(train.features[drawn], train.label[drawn], l2, start)
        self._on_progress(f"{self.data.name}: {what}", 16, 16)
        scores = accuracies(self._ranks(head.logits), self.test.label, self.classes)
        return scores, self.test.dropped + train.dropped, l2

    def _start(self, protocol: Protocol) -> Head:
        if protocol == "probe-text":
            return text_head(self.class_embeddings, self.checkpoint.logit_scale)
        return zero_head(self.classes, self.checkpoint.dimensions)

    def _retrieval(self) -> tuple[list[Score], Counter[str]]:
        numbers, dropped = self.data.test, Counter[str]()
        captioned = [number for number in numbers.tolist() if self.data.captions[number]]
        if lacking := len(numbers) - len(captioned):
            dropped["no caption"] = lacking
        features, good = self._encoded(np.array(captioned), "pictures", dropped)
        # pictures and texts that a set has several times are one each, and whatever belongs to one of them to it
        images: dict[bytes, int] = {}
        texts: dict[str, int] = {}
        pairs: dict[tuple[int, int], None] = {}
        first: list[int] = []
        for at, number in enumerate(captioned):
            if not good[at]:
                continue
            image = images.setdefault(self.data.digests[number], len(images))
            if image == len(first):
                first.append(at)
            for caption in self.data.captions[number]:
                pairs[image, texts.setdefault(caption, len(texts))] = None
        found = recalls(features[first], self._encoded_texts(list(texts)), np.array(list(pairs)))
        return found, dropped

    def _labelled(self, numbers: np.ndarray, what: str) -> Labelled:
        dropped: Counter[str] = Counter()
        labelled = numbers[self.data.label[numbers] >= 0]
        if lacking := len(numbers) - len(labelled):
            dropped["no label"] = lacking
        features, good = self._encoded(labelled, what, dropped)
        kept = labelled[good]
        digests = [self.data.digests[number] for number in kept.tolist()]
        return Labelled(features[good], self.data.label[kept], digests, dropped)

    def _encoded(self, numbers: np.ndarray, what: str, dropped: Counter[str]) -> tuple[np.ndarray, np.ndarray]:
        """(N, D) features of pictures, and which of them have one; the others are counted. Raises EmptyPool."""
        digests = [self.data.digests[number] for number in numbers.tolist()]
        why: dict[bytes, str] = {}
        with ThreadPoolExecutor(os.cpu_count()) as pool:

            def make(items: np.ndarray) -> np.ndarray:
                images = self.data.images(numbers[items].tolist())
                its_digests = [digests[item] for item in items.tolist()]
                pixels = list(pool.map(self._pixels, images, its_digests))
                usable = [one for one in pixels if isinstance(one, np.ndarray)]
                why.update((of, one) for of, one in zip(its_digests, pixels, strict=True) if isinstance(one, str))
                features = np.full((len(items), self.checkpoint.dimensions), np.nan, np.float32)
                if usable:
                    good = [isinstance(one, np.ndarray) for one in pixels]
                    features[good] = self.checkpoint.encode_pixels(np.stack(usable))
                return features

            features = self._features("image", digests, make, what)
        good = ~np.isnan(features).any(axis=1)
        dropped.update(why.get(digests[at], "the model gives no finite feature") for at in np.flatnonzero(~good))
        if not good.any():
            told = "; ".join(f"{count:,} x {reason}" for reason, count in dropped.most_common(3))
            raise EmptyPool(f"{self.data.name}: not one of its {what} can be used ({told})")
        return features, good

    def _encoded_texts(self, texts: list[str]) -> np.ndarray:
        def make(items: np.ndarray) -> np.ndarray:
            return self.checkpoint.encode_texts([texts[item] for item in items.tolist()])

        return self._features("text", [item_digest(text) for text in texts], make, "captions")

    def _features(
        self, view: str, digests: list[bytes], make: Callable[[np.ndarray], np.ndarray], what: str
    ) -> np.ndarray:
        done = 0

        def more(items: int) -> None:
            nonlocal done
            done += items
            self._on_progress(f"{self.data.name}: {what}", done, len(digests))

        return self._store.features_of(
            self.checkpoint.digest, view, digests, make, on_progress=more, cancel=self._cancel
        )

    def _pixels(self, image: bytes | None, digest: bytes) -> np.ndarray | str:
        """What the model takes of a picture, or why there is nothing."""
        if image is None or item_digest(image) != digest:
            return "picture is gone, or not the same any more"
        try:
            return self.checkpoint.preprocess.pixels(rgb(image))
        except UnreadableFile as error:
            return str(error).partition(" (")[0]

    def _stop_if_cancelled(self) -> None:
        if self._cancel():
            raise Cancelled
