"""The twins of the paper: the names of their scripts."""

from pathlib import Path

SCRIPTS = Path(__file__).parents[2] / "benchmarks" / "paper"
TWINS = sorted(
    path.stem for path in SCRIPTS.glob("*.py") if "(Twin):" in path.read_text(encoding="utf-8")
)
