"""Matching: which entries stand in a text (arXiv:2309.16671, Algorithm 1, part 1)."""

from curation.matching.matcher import Matcher, string_buffers
from curation.matching.routed import RoutedMatcher
from curation.matching.substring import SubstringMatcher
from curation.matching.tokens import Span, Token, spans, tokens

__all__ = ["Matcher", "RoutedMatcher", "Span", "SubstringMatcher", "Token", "spans", "string_buffers", "tokens"]
