"""A model in a file of 700 kB for llama.cpp, made here and not trained: it says what the table below says.

Its prompt ends with the token of an answer, which the chat template chooses by the conversation. Each token
of an answer leads to the next one: a token's row in the output matrix is the embedding of the tokens that it
follows, and the layer between the two adds nothing. All else is llama.cpp's and real: reading the template,
tokens, sampling, streaming, finding calls in what the model writes, limits, refusals.
"""

import random
import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

__all__ = ["COUNTING", "GREETING", "THOUGHT", "write_model"]

GREETING = "Good day! I am a small model, and I am glad to answer in one long sentence by the lake."
COUNTING = " one, two, three, four, five, six, seven, eight, nine, ten, and once more:"
"""It never ends."""
THOUGHT = "The person wants me to think before I speak."

_CALL = '<tool_call>\n{{"name": "Tools-get_weather", "arguments": {{"city": "{}"}}}}\n</tool_call>'
_ANSWERS = {
    "remembers": ("role == 'tool' and thought", "I remember what I thought before the call."),
    "result": ("role == 'tool' and '21' in said", "It is 21 degrees and sunny there."),
    "nothing": ("role == 'tool'", "The tool told me no temperature."),
    "ponders": (
        "tools and 'Ponder' in said",
        f"<think>\nFirst I have to look outside.\n</think>\n\n{_CALL.format('Bern')}",
    ),
    "two": ("tools and 'both' in said", _CALL.format("Oslo") + "\n" + _CALL.format("Rome")),
    "call": ("tools and 'weather' in said", _CALL.format("Oslo")),
    "count": ("'Count' in said", COUNTING),
    "think": ("'Think' in said", f"<think>\n{THOUGHT}\n</think>\n\nI have thought about it."),
    "greet": ("true", GREETING),
}
"""Name of the answer, when it is given (the first that holds), and what it says."""
_ENDLESS = "count"

_TEMPLATE = """\
{%- if tools %}<|im_start|>system
# Tools
<tools>
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
</tools>
For each function call return a json object within <tool_call></tool_call> tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call><|im_end|>
{% endif -%}
{%- for message in messages %}<|im_start|>{{ message.role }}
{% if message.reasoning_content %}<think>
{{ message.reasoning_content }}
</think>

{% endif %}
{{- message.content if message.content is string else '' }}
{%- for call in message.tool_calls or [] %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>
{%- endfor %}<|im_end|>
{% endfor -%}
{%- if add_generation_prompt %}<|im_start|>assistant
{%- set last = messages[-1] %}
{%- set role = last.role %}
{%- set thought = messages|length > 1 and messages[-2].reasoning_content %}
{%- set said = last.content if last.content is string else '' -%}
CHOICES
{%- endif %}"""
_END, _WIDTH, _CONTEXT = "<|im_end|>", 128, 131_072
_UNSIGNED, _SIGNED, _FLOAT, _TEXT, _LIST = 4, 5, 6, 8, 9
"""Kinds of values in a GGUF file: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md."""


def write_model(path: Path) -> None:
    """Write the model."""
    tokens, follows = _vocabulary()
    rows = random.Random(1)  # noqa: S311 - the same weights each time
    embeddings = [[1.0 - 2.0 * rows.getrandbits(1) for _ in range(_WIDTH)] for _ in tokens]
    output = [[0.0] * _WIDTH for _ in tokens]
    for before, after in follows:
        output[after] = [a + b for a, b in zip(output[after], embeddings[before], strict=True)]
    path.write_bytes(_gguf(_metadata(tokens), _tensors(embeddings, output)))


def _vocabulary() -> tuple[list[str], list[tuple[int, int]]]:
    """Return all tokens (bytes, those of the template, pieces of answers), and which follows which."""
    tokens = [*map(_spelled, (bytes([n]) for n in range(256))), "<|im_start|>", _END]
    tokens += [f"<|{name}|>" for name in _ANSWERS]
    follows: list[tuple[int, int]] = []
    for name, (_, text) in _ANSWERS.items():
        numbers = [tokens.index(f"<|{name}|>")]
        for piece in _pieces(text, set(tokens)):
            numbers.append(len(tokens))
            tokens.append(piece)
        numbers.append(numbers[1] if name == _ENDLESS else tokens.index(_END))
        follows += pairwise(numbers)
    return tokens, follows


def _pieces(text: str, known: set[str]) -> list[str]:
    """Return a text in pieces that no text has had so far, of three bytes where possible."""
    pieces: list[str] = []
    rest = _spelled(text.encode())
    while rest:
        size = next((n for n in range(3, len(rest) + 1) if rest[:n] not in known), 0)
        if size:
            pieces.append(rest[:size])
            known.add(rest[:size])
        else:  # all beginnings of the rest are known: it becomes longer
            pieces.append(pieces.pop() + rest)
        rest = rest[size:] if size else ""
    return pieces


def _spelled(text: bytes) -> str:
    """Return bytes as GPT-2's vocabulary spells them: a letter for each, also for blanks and the like."""
    return "".join(_LETTERS[byte] for byte in text)


def _letters() -> Iterator[str]:
    spare = iter(range(256, 512))
    for byte in range(256):
        shown = 33 <= byte <= 126 or 161 <= byte <= 172 or byte >= 174
        yield chr(byte if shown else next(spare))


_LETTERS = list(_letters())


def _metadata(tokens: Sequence[str]) -> dict[str, Any]:
    words = ("if", *["elif"] * (len(_ANSWERS) - 1))
    choices = "".join(
        f"{{%- {word} {when} %}}<|{name}|>\n"
        for word, (name, (when, _)) in zip(words, _ANSWERS.items(), strict=True)
    )
    return {
        "general.architecture": "llama",
        "general.name": "answers by a table",
        "llama.context_length": _CONTEXT,
        "llama.embedding_length": _WIDTH,
        "llama.block_count": 1,
        "llama.feed_forward_length": 32,
        "llama.attention.head_count": 2,
        "llama.attention.head_count_kv": 1,
        "llama.attention.layer_norm_rms_epsilon": 1e-6,
        "llama.vocab_size": len(tokens),
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": list(tokens),
        "tokenizer.ggml.token_type": [3 if token.startswith("<|") else 1 for token in tokens],
        "tokenizer.ggml.merges": ["a b"],
        "tokenizer.ggml.eos_token_id": tokens.index(_END),
        "tokenizer.chat_template": _TEMPLATE.replace("CHOICES", choices + "{%- endif %}"),
    }


def _tensors(embeddings: list[list[float]], output: list[list[float]]) -> dict[str, list[list[float]]]:
    def nothing(rows: int, width: int = _WIDTH) -> list[list[float]]:
        return [[0.0] * width for _ in range(rows)]

    ones = [[1.0] * _WIDTH]
    return {
        "token_embd.weight": embeddings,
        "blk.0.attn_norm.weight": ones,
        "blk.0.attn_q.weight": nothing(_WIDTH),
        "blk.0.attn_k.weight": nothing(_WIDTH // 2),
        "blk.0.attn_v.weight": nothing(_WIDTH // 2),
        "blk.0.attn_output.weight": nothing(_WIDTH),
        "blk.0.ffn_norm.weight": ones,
        "blk.0.ffn_gate.weight": nothing(32),
        "blk.0.ffn_up.weight": nothing(32),
        "blk.0.ffn_down.weight": nothing(_WIDTH, 32),
        "output_norm.weight": ones,
        "output.weight": output,
    }


def _gguf(metadata: dict[str, Any], tensors: dict[str, list[list[float]]]) -> bytes:
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    head += b"".join(_text(key) + _value(value) for key, value in metadata.items())
    body = b""
    for name, rows in tensors.items():
        sizes = [len(rows[0]), len(rows)] if len(rows) > 1 else [len(rows[0])]
        head += _text(name) + struct.pack(f"<I{len(sizes)}QIQ", len(sizes), *sizes, 0, len(body))
        body += _aligned(b"".join(struct.pack(f"<{len(row)}f", *row) for row in rows))
    return _aligned(head) + body


def _aligned(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 32)


def _value(value: Any) -> bytes:
    if isinstance(value, list) and isinstance(value[0], int):  # the kinds of tokens are signed
        return struct.pack(f"<IIQ{len(value)}i", _LIST, _SIGNED, len(value), *value)
    if isinstance(value, list):
        items = b"".join(_value(item)[4:] for item in value)
        return struct.pack("<I", _LIST) + _value(value[0])[:4] + struct.pack("<Q", len(value)) + items
    if isinstance(value, str):
        return struct.pack("<I", _TEXT) + _text(value)
    if isinstance(value, float):
        return struct.pack("<If", _FLOAT, value)
    return struct.pack("<II", _UNSIGNED, value)


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()
