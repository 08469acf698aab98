"""AMC: 83 problems of the AMC 12 of 2022 and 2023, reworded to have an integer answer.

- `CARD`: its source, size, licence and citation.
- `load`: its questions and sealed labels, the 83 that the paper uses, not the 40 known as AMC 23.
"""

from __future__ import annotations

from ttrl_benchmarks.card import BenchmarkCard, HubFile
from ttrl_benchmarks.entries import register_benchmark
from ttrl_benchmarks.published import PublishedLoader

__all__ = ["CARD", "load"]

CARD = BenchmarkCard(
    name="amc",
    title="AMC",
    env_id="TTRL-AMC-v0",
    answer_format="integer",
    size=83,
    hub=HubFile(
        repo_id="AI-MO/aimo-validation-amc",
        revision="69d78a4a2c840e82d69af6bc742bda09005f6316",
        filename="data/train-00000-of-00001.parquet",
        sha256="4de056fd006062cee46e3900727dd5d00094b8592ed0bfd6b5dfae2267f72dd7",
    ),
    file_names=("AMC-TTT.json",),
    content_digests=("d6eee94ffa03f793753f362ecd7ac1b68323942b2126fbc345e5293b68ddaa4e",),
    licence="Apache-2.0",
    citation=(
        "Mathematical Association of America, AMC 12, 2022 and 2023; "
        "collected and reworded by AI-MO (aimo-validation-amc)."
    ),
)

load = PublishedLoader(CARD)
register_benchmark(CARD, load)
