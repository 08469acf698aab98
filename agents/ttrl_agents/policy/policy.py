"""The language model that is trained, with its tokenizer: prompts, precision, saving.

- `Policy`: a causal language model, its tokenizer and its device.
- `quiet_libraries`: silences the progress bars and warnings of the libraries.
- `error_text`: the message of a library's error on one line.

A model computes in the type of its weights: float32 on CPU, bfloat16 on GPU, where the optimizer
keeps a float32 copy in which small steps are not rounded away. Loading is in `loading`.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging as transformers_logging

from ttrl_agents.distributed.sharding import Sharding, full, sharding_of
from ttrl_agents.distributed.shards import save_shards
from ttrl_agents.distributed.world import world
from ttrl_agents.errors import AgentError
from ttrl_agents.policy.chat_template import ChatTemplate
from ttrl_benchmarks.printable import plain_text
from ttrl_env.answers.text.thinking import THOUGHT_MARKS, opens_thinking

__all__ = ["Policy", "error_text", "quiet_libraries"]

_SMALL_MODEL = 10_000_000
# How many tokens at the end of a prompt are searched for an open thought.
_END_OF_PROMPT = 64
# Several times what the longest context holds; a tokenizer takes about 60 bytes for each.
_MOST_CHARACTERS = 2**21


class Policy:
    """A causal language model and its tokenizer.

    Args:
        model: A `transformers` causal language model.
        tokenizer: Its tokenizer; it needs a chat template.
        name: The name of the model in headers and errors.

    Raises:
        AgentError: The tokenizer has no chat template, or no token that ends a text.

    Attributes:
        template: The chat template.
        end_token_ids: The tokens that end a completion.
        pad_token_id: What fills up the rows of a batch.
    """

    def __init__(self, model: Any, tokenizer: Any, name: str) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.name = name
        self.template = ChatTemplate(tokenizer, name)
        self.end_token_ids = _end_token_ids(model, tokenizer, name, self.vocabulary_size)
        pad = tokenizer.pad_token_id
        # Pads are never read, so that one that the model does not know is replaced as well.
        known = isinstance(pad, int) and 0 <= pad < self.vocabulary_size
        self.pad_token_id: int = pad if known else self.end_token_ids[0]
        # The model's name for its key-value cache, which transformers renamed in 5.2x.
        takes = inspect.signature(model.forward).parameters
        self.cache_argument = "cache" if "cache" in takes else "past_key_values"
        self._encoded: dict[str, tuple[int, ...]] = {}
        self._thinking: dict[tuple[int, ...], bool] = {}

    @property
    def device(self) -> torch.device:
        """The device that the weights are on."""
        device: torch.device = self.model.device
        return device

    @property
    def num_parameters(self) -> int:
        """The number of weights, shared ones counted once."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def is_small(self) -> bool:
        """Whether the model has fewer than 10 million weights, which some defaults depend on."""
        return self.num_parameters < _SMALL_MODEL

    @property
    def num_trained(self) -> int:
        """The number of weights that are trained: all, or with LoRA those of the adapters."""
        return sum(each.numel() for each in self.model.parameters() if each.requires_grad)

    @property
    def vocabulary_size(self) -> int:
        """The width of the logits, which may exceed the number of tokens."""
        size: int = self.model.config.get_text_config().vocab_size
        return size

    @property
    def max_length(self) -> int | None:
        """The most tokens of prompt and completion together, or `None` where it is unknown."""
        return getattr(self.model.config.get_text_config(), "max_position_embeddings", None)

    def encode_prompts(self, prompts: Sequence[str]) -> list[tuple[int, ...]]:
        """Returns the token ids of each prompt, as one user's turn in the chat template.

        Raises:
            AgentError: The template or the tokenizer fails, or a prompt is far too long.
        """
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in self._encoded]
        if new:
            with quiet_libraries():  # this package rejects long prompts itself
                self._encoded |= zip(new, self._encode(new), strict=True)
        return [self._encoded[prompt] for prompt in prompts]

    def _encode(self, prompts: Sequence[str]) -> list[tuple[int, ...]]:
        longest = max(map(len, prompts))
        if longest > _MOST_CHARACTERS:
            raise AgentError(
                f"A prompt has {longest:,} characters, more than the {_MOST_CHARACTERS:,} that are "
                "encoded. Shorten the question, or leave it out."
            )
        texts = self.template.render([[{"role": "user", "content": each}] for each in prompts])
        encoded = self.tokens_of(texts)
        greatest = max((max(ids, default=0) for ids in encoded), default=0)
        if greatest >= self.vocabulary_size:
            raise AgentError(
                f"The tokenizer of model {self.name!r} makes token {greatest}, and the model knows "
                f"{self.vocabulary_size}: it is the tokenizer of another model."
            )
        if not all(encoded):
            raise AgentError(f"The chat template of model {self.name!r} makes an empty prompt.")
        return [tuple(ids) for ids in encoded]

    def tokens_of(self, texts: Sequence[str]) -> list[list[int]]:
        """Returns the token ids of each text as it is, without special tokens.

        Raises:
            AgentError: The tokenizer fails.
        """
        try:
            return [self.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
        except BaseException as error:  # the panic of a tokenizer is not an Exception
            if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
                raise
            raise AgentError(
                f"The tokenizer of model {self.name!r} fails: {error_text(error)}"
            ) from error

    def opens_thinking(self, prompt_ids: Sequence[int]) -> bool:
        """Returns whether a prompt, as `encode_prompts` returns it, ends inside a thought."""
        end = tuple(prompt_ids[-_END_OF_PROMPT:])
        if end not in self._thinking:
            self._thinking[end] = opens_thinking(
                self.tokenizer.decode(list(end), skip_special_tokens=False)
            )
        return self._thinking[end]

    @cached_property
    def _dropped(self) -> frozenset[int]:
        """The special tokens except those that mark a thought; empty if none does."""
        tokens = self.tokenizer
        special = list(tokens.all_special_ids)
        names = tokens.convert_ids_to_tokens(special)
        dropped = {
            each for each, name in zip(special, names, strict=True) if name not in THOUGHT_MARKS
        }
        return frozenset(dropped) if len(dropped) < len(special) else frozenset()

    def forget_prompts(self) -> None:
        """Empties the memory of encoded prompts."""
        self._encoded.clear()
        self._thinking.clear()

    def decode(self, token_ids: Sequence[Sequence[int]]) -> list[str]:
        """Returns the text of each row of token ids, without special tokens."""
        if self._dropped:
            # Special tokens that mark a thought are kept: they show where the reply begins.
            kept = [[each for each in row if each not in self._dropped] for row in token_ids]
            marked: list[str] = self.tokenizer.batch_decode(
                kept, skip_special_tokens=False, clean_up_tokenization_spaces=False
            )
            return marked
        texts: list[str] = self.tokenizer.batch_decode(
            token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return texts

    @property
    def divided(self) -> bool:
        """Whether the weights are divided over the ranks of a run."""
        return sharding_of(self.model) is not None

    @property
    def compute_dtype(self) -> torch.dtype:
        """The type that the model computes in, which is that of its weights."""
        sharding = sharding_of(self.model)
        dtype: torch.dtype = self.model.dtype if sharding is None else sharding.compute_dtype
        return dtype

    @contextlib.contextmanager
    def precision(self) -> Iterator[None]:
        """The context in which the model has to be run; here it changes nothing."""
        yield

    def weights(self) -> Iterator[tuple[str, torch.Tensor]]:
        """Yields the weights under the names that a checkpoint gives them.

        Shared weights are yielded under each of their names: an engine may keep a copy for each.
        Where the model is divided over ranks, all have to ask for them together.
        """
        for name, tensor in self.model.state_dict().items():
            yield name, full(tensor).to(self.compute_dtype)

    def save(self, folder: Path) -> None:
        """Writes the model and the tokenizer as a Hugging Face checkpoint (safetensors).

        Where the model is divided over ranks, all have to ask for it together; the leader writes.
        """
        with quiet_libraries():
            sharding = sharding_of(self.model)
            if sharding is None:
                self.model.save_pretrained(folder)
            elif not sharding.save_whole(folder, self.model.named_parameters()):
                return
            self.tokenizer.save_pretrained(folder)

    def save_for_resuming(self, folder: Path, *, in_parts: bool = False) -> None:
        """Writes what a resumed run cannot load from its initial policy.

        Args:
            folder: Where to.
            in_parts: Whether each rank writes its part of a model that is divided over ranks, which
                this package alone can read.
        """
        sharding = sharding_of(self.model)
        if sharding is None or not in_parts:
            self.save(folder)
            return
        with quiet_libraries():
            if world().lead(lambda: self._save_description(folder, sharding)):
                save_shards(folder, sharding.rounded(self.model.named_parameters()))

    def _save_description(self, folder: Path, sharding: Sharding) -> bool:
        folder.mkdir(parents=True, exist_ok=True)
        for each in (sharding.template.config, sharding.template.generation_config, self.tokenizer):
            each.save_pretrained(folder)
        return True


def _end_token_ids(model: Any, tokenizer: Any, name: str, vocabulary_size: int) -> list[int]:
    """Returns the tokens that end a completion.

    Raises:
        AgentError: There are none, or what stands in their place is no token.
    """
    ends = getattr(model.generation_config, "eos_token_id", None)
    found = [tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])]
    known = [each for each in found if each is not None]
    for each in known:
        if isinstance(each, bool) or not isinstance(each, int) or each < 0:
            raise AgentError(
                f"Model {name!r} says that token {each!r} ends a text, which is not a token. Write "
                "a token id as eos_token_id in its generation_config.json."
            )
    if not known:
        raise AgentError(f"Model {name!r} has no end-of-text token, so no completion can end.")
    if min(known) >= vocabulary_size:
        raise AgentError(
            f"Model {name!r} says that token {min(known)} ends a text, and it knows "
            f"{vocabulary_size} tokens. Write one of them as eos_token_id in its "
            "generation_config.json."
        )
    return sorted(set(known))


def error_text(error: BaseException) -> str:
    """Returns the message of a library's error on one line, shortened if it is long."""
    if "ignore_mismatched_sizes" in str(error):  # the report that it names is not shown
        return "its weights do not have the shapes that its config.json says."
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return plain_text(" ".join(lines)[:400]) if lines else type(error).__name__


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keeps the loading bars, retries and advice of the libraries out of our own output."""
    hub = logging.getLogger("huggingface_hub")
    levels = transformers_logging.get_verbosity(), hub.level
    bars = transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    hub.setLevel(logging.ERROR)
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(levels[0])
        hub.setLevel(levels[1])
        if bars:
            transformers_logging.enable_progress_bar()
