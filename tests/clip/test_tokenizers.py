import gzip
from collections import Counter

import open_clip
import pytest

from clip.models import TEXTS
from curation.clip.tokenizers import OTHERS, learn_merges, tokenizer_of
from curation.errors import BadArgument, UnreadableFile

CFG = {"text_cfg": {"context_length": 8}}


def merges_of(data: bytes) -> list[str]:
    return gzip.decompress(data).decode().split("\n")[1:]


def slow_merges(words: dict[str, int], most: int) -> list[str]:
    """Byte pair encoding as the paper writes it: count all pairs anew for each merge."""
    cut = {(*word[:-1], word[-1] + "</w>"): count for word, count in words.items()}
    merges = []
    for _ in range(most):
        pairs: Counter[tuple[str, str]] = Counter()
        for word, count in cut.items():
            for at in range(len(word) - 1):
                pairs[word[at], word[at + 1]] += count
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(" ".join(best))
        merged: dict[tuple[str, ...], int] = {}
        for word, count in cut.items():
            letters, at = [], 0
            while at < len(word):
                if at + 1 < len(word) and (word[at], word[at + 1]) == best:
                    letters.append(word[at] + word[at + 1])
                    at += 2
                else:
                    letters.append(word[at])
                    at += 1
            merged[tuple(letters)] = count
        cut = merged
    return merges


def test_merges_are_those_of_counting_all_pairs_anew_for_each():
    words = {"banana": 5, "bandana": 3, "an": 2, "nab": 7, "aaaa": 4, "b": 9}
    texts = [word for word, count in words.items() for _ in range(count)]
    assert merges_of(learn_merges(texts, OTHERS + 12)) == slow_merges(words, 12)


def test_the_same_texts_give_the_same_bytes_in_any_order():
    assert learn_merges(TEXTS, 560) == learn_merges(TEXTS[::-1], 560)


def test_learning_ends_where_no_pair_is_left():
    assert merges_of(learn_merges(["ab ab"], 2000)) == ["a b</w>"]


def test_a_text_is_cut_into_start_tokens_end_and_zeros():
    tokenizer = tokenizer_of(CFG, "", learn_merges(["ab ab c"], OTHERS + 1))
    start, end = OTHERS - 1, OTHERS  # behind 512 bytes and the one merge
    tokens = tokenizer(["ab", ""])[:, :4].tolist()
    assert tokens == [[start, 512, end, 0], [start, end, 0, 0]]


def test_the_table_of_clip_gives_its_known_tokens():
    tokens = tokenizer_of({"text_cfg": {}}, "ViT-B-32", None)(["a photo of a dog"])
    assert tokens.shape == (1, 77)
    assert tokens[0, :7].tolist() == [49406, 320, 1125, 539, 320, 1929, 49407]


def test_damaged_merges_are_refused_in_words():
    with pytest.raises(UnreadableFile, match="merges cannot be read"):
        tokenizer_of(CFG, "", b"no gzip")


def test_a_tokenizer_that_needs_what_is_not_there_is_one_line(monkeypatch):
    def missing(name, context_length):
        raise ModuleNotFoundError("No module named 'transformers'")

    monkeypatch.setattr(open_clip, "get_tokenizer", missing)
    cfg = {"text_cfg": {"context_length": 77}}
    with pytest.raises(BadArgument, match="the tokenizer of roberta-ViT-B-32 cannot be made here: No module named 'tr"):
        tokenizer_of(cfg, "roberta-ViT-B-32", None)
