"""Tokenizers: text -> token ids. CLIP's byte pairs as open_clip applies them, with CLIP's merges or ones of our own.

CLIP's own table has 49,408 tokens: 6 M weights in a tower 128 wide, where all the rest of headtail-tiny has 1.3 M. For
one pool a small table is enough that is learnt from its captions.
"""

import gzip
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import open_clip
import torch
from open_clip.tokenizer import SimpleTokenizer

from curation.errors import BadArgument, UnreadableFile

Tokenize = Callable[[list[str]], torch.Tensor]
"""(list of N texts) -> (N, context_length) int64: start, tokens, end, then zeros."""

OTHERS = 2 * 256 + 2
"""Tokens that are no merge: each byte, within a word and at its end, and the start and the end of a text."""

Pair = tuple[str, str]


def learn_merges(texts: Iterable[str], vocab_size: int) -> bytes:
    """Byte-pair merges learnt from texts (Sennrich et al. 2016), as the gzip file that CLIP's tokenizer reads.

    The most frequent pair of neighbours is merged, again and again; of pairs equally frequent, the first by code point.
    The same texts give the same bytes.

    vocab_size: tokens in all, at least 514; fewer where the texts hold no more pairs
    """
    words = _words(texts)
    pairs: Counter[Pair] = Counter()
    where: dict[Pair, set[int]] = defaultdict(set)  # words that hold a pair, or once held it
    for at, (word, count) in enumerate(words):
        for pair in pairwise(word):
            pairs[pair] += count
            where[pair].add(at)
    merges: list[Pair] = []
    while len(merges) < vocab_size - OTHERS and pairs:
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        if pairs[best] <= 0:
            break
        merges.append(best)
        for at in sorted(where.pop(best)):
            word, count = words[at]
            merged = _merged(word, best)
            for pair in pairwise(word):
                pairs[pair] -= count
            for pair in pairwise(merged):
                pairs[pair] += count
                where[pair].add(at)
            words[at] = merged, count
        del pairs[best]
    lines = ["#version: 0.2", *(" ".join(merge) for merge in merges)]
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb", mtime=0) as packed:  # no time in it: equal merges are equal bytes
        packed.write("\n".join(lines).encode())
    return file.getvalue()


def _words(texts: Iterable[str]) -> list[tuple[tuple[str, ...], int]]:
    """Every word of the texts as CLIP's tokenizer cuts them, in characters that stand for bytes, and how often."""
    cut = SimpleTokenizer()
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(cut.pat.findall(cut.clean_fn(text)))
    words = []
    for word, count in sorted(counts.items()):
        letters = [cut.byte_encoder[byte] for byte in word.encode()]
        words.append(((*letters[:-1], letters[-1] + "</w>"), count))
    return words


def _merged(word: tuple[str, ...], pair: Pair) -> tuple[str, ...]:
    """The word with each such pair of neighbours as one.

    >>> _merged(("a", "b", "a", "b", "b"), ("a", "b"))
    ('ab', 'ab', 'b')
    """
    merged, at = [], 0
    while at < len(word):
        both = word[at : at + 2] == pair
        merged.append(word[at] + word[at + 1] if both else word[at])
        at += 1 + both
    return tuple(merged)


def tokenizer_of(model_cfg: dict[str, Any], name: str, merges: bytes | None) -> Tokenize:
    """The tokenizer of a model.

    name:   that of the model, as open_clip knows it; for CLIP's own table where it does not
    merges: of the checkpoint's own, if it has some
    raises  UnreadableFile, BadArgument
    """
    context_length = model_cfg["text_cfg"].get("context_length", 77)
    if merges is None:
        known = name if name in open_clip.list_models() else ""
        try:
            return open_clip.get_tokenizer(known, context_length=context_length)
        except Exception as error:  # it may need another library, or a file from the network
            reason = (str(error).splitlines() or [type(error).__name__])[0]
            raise BadArgument(f"the tokenizer of {name} cannot be made here: {reason}") from None
    try:
        return SimpleTokenizer(io.BytesIO(merges), context_length=context_length)
    except (OSError, EOFError, ValueError) as error:
        raise UnreadableFile(f"tokenizer: its merges cannot be read ({error})") from None
