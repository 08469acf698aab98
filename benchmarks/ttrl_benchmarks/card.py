"""Benchmark cards: what is known of a benchmark before any of its questions is read.

- `PAPER_INSTRUCTION`: what the TTRL paper appends to a question.
- `HubFile`: one file of a dataset on the Hugging Face Hub, at a pinned revision.
- `BenchmarkCard`: name, source, size, answer format, licence and citation of a benchmark.
"""

from __future__ import annotations

from dataclasses import dataclass

from ttrl_benchmarks.base import AnswerFormat

__all__ = ["PAPER_INSTRUCTION", "BenchmarkCard", "HubFile"]

PAPER_INSTRUCTION = (
    "\nPlease reason step by step, and put your final answer within \\boxed{}."  # a real newline
)


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a dataset on the Hugging Face Hub, at a pinned revision.

    Attributes:
        repo_id: The dataset, `"owner/name"`.
        revision: The full commit hash, so that the file can never change under us.
        filename: The file's path within the dataset.
        sha256: The file's SHA-256, which every download and cached copy must have.
        gated: Whether the publisher asks for an accepted form and a token.
    """

    repo_id: str
    revision: str
    filename: str
    sha256: str
    gated: bool = False

    @property
    def page(self) -> str:
        """The dataset as people name it: `"owner/name@revision"`, the revision shortened."""
        return f"{self.repo_id}@{self.revision[:7]}"


@dataclass(frozen=True, slots=True)
class BenchmarkCard:
    """What is known of a benchmark before any of its questions is read.

    Attributes:
        name: The name that `load_benchmark` takes, e.g. `"aime24"`.
        title: The name that people use, e.g. `"AIME 2024"`.
        env_id: The Gymnasium id of its environment.
        answer_format: How its answers are extracted and compared.
        size: The number of questions, or `None` where an option or the user's file decides it.
        levels: The difficulty levels that its questions have, if any.
        hub: The publisher's file, or `None` for questions that are made or brought along.
        made_by: Who or what makes or brings them, where there is no publisher's file.
        file_names: The names under which a folder may hold its file, besides its own name with
            any suffix; the first found is used.
        content_digests: The `content_digest` of each transcription by which other files than the
            publisher's are known to hold it.
        label_digest: The `label_digest` that does so too, where there are many transcriptions.
        instruction: What is appended to each question to make its prompt.
        held_out_split: The `split` that loads its held-out questions, where it has a split of its
            own for them.
        licence: The terms that the publisher states.
        citation: Who to cite, as text.
    """

    name: str
    title: str
    env_id: str
    answer_format: AnswerFormat
    size: int | None = None
    licence: str = ""
    citation: str = ""
    levels: tuple[int, ...] = ()
    hub: HubFile | None = None
    made_by: str = ""
    file_names: tuple[str, ...] = ()
    content_digests: tuple[str, ...] = ()
    label_digest: str | None = None
    instruction: str = PAPER_INSTRUCTION
    held_out_split: str | None = None

    @property
    def source(self) -> str:
        """Where the questions come from, in a few words."""
        if self.hub is None:
            return self.made_by
        return f"{self.hub.page}/{self.hub.filename}"
