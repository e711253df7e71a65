"""Words in and out of a simulated engine: how many tokens a prompt has, and the words of an answer."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from rehearsal.programs.vllm_model import BLOCK_TOKENS

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping, Sequence

# Text per prefix block, at about four characters a token.
_BLOCK_CHARACTERS = BLOCK_TOKENS * 4
_TEMPLATE_TOKENS = 4
# Half of all answers that nobody bounds are longer than this.
_MEDIAN_ANSWER_TOKENS = 180.0
_WORDS_TEXT = (
    "the of and to in a is that for it as was with be by on not he his but at are this have from or had an they"
    " which one you were all her she there would their we him been has when who will no more if out so up said"
    " what its about than into them can only other time new some could these two may first then do any like my"
    " now over such our man me even most made after also did many"
)
_WORDS = tuple(_WORDS_TEXT.split())


def prompt_text(body: Mapping[str, Any]) -> tuple[str, int]:
    """The text of a request and its template tokens. Raises ValueError where vLLM would answer 400."""
    if "messages" not in body:
        prompt = body.get("prompt")
        if isinstance(prompt, str):
            return prompt, 0
        msg = "Either prompt or messages must be given, as text."
        raise ValueError(msg)
    messages = body["messages"]
    if not isinstance(messages, list) or not messages:
        msg = "messages must be a list with at least one message."
        raise ValueError(msg)
    parts: list[str] = []
    for message in messages:
        if not isinstance(message, dict) or "role" not in message:
            msg = "Each message must be an object with a role."
            raise ValueError(msg)
        content = message.get("content") or ""
        pieces: Sequence[Any] = content if isinstance(content, list) else [{"text": content}]
        parts.extend(f"{message['role']}: {piece.get('text', '')}" for piece in pieces if isinstance(piece, dict))
    return "\n".join(parts), _TEMPLATE_TOKENS * len(messages)


def token_count(text: str) -> int:
    """About what a modern tokenizer counts: four characters of Latin text a token, one and a half of Chinese."""
    wide = sum(1 for character in text if ord(character) > 0x2E7F)
    return max(1, round((len(text) - wide) / 4 + wide / 1.5))


def prefix_blocks(model: str, text: str) -> tuple[int, ...]:
    """Chained checksums of the full leading blocks of a prompt: equal prefixes have equal blocks."""
    chain = zlib.crc32(model.encode())
    blocks: list[int] = []
    for start in range(0, len(text) - _BLOCK_CHARACTERS + 1, _BLOCK_CHARACTERS):
        chain = zlib.crc32(text[start : start + _BLOCK_CHARACTERS].encode(), chain)
        blocks.append(chain)
    return tuple(blocks)


def answer_length(source: random.Random, *, max_tokens: int, min_tokens: int, ignore_eos: bool) -> tuple[int, str]:
    """How many tokens this request will get and why it ends."""
    if ignore_eos:
        return max_tokens, "length"
    natural = max(min_tokens, 1, round(source.lognormvariate(0, 0.6) * _MEDIAN_ANSWER_TOKENS))
    return (natural, "stop") if natural < max_tokens else (max_tokens, "length")


def words(source: random.Random, count: int) -> list[str]:
    """`count` tokens of an answer; joined they are its text."""
    chosen = source.choices(_WORDS, k=count)
    return [word if index == 0 else f" {word}" for index, word in enumerate(chosen)]
