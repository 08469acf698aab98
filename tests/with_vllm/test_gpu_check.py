"""The stage of the GPU check that follows a real engine through updates, sleep and waking."""

import json
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "benchmarks/gpu"


def test_its_engine_stage_at_toy_size(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import check

    check._run_here(check.STAGES["engine"], check.Setting.on("cpu", tmp_path, None, None))
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    results = {each["name"]: each for each in map(json.loads, lines)}
    assert not [each for each in results.values() if each["status"] == "failed"]
    assert results["weights travel by"]["value"] == "shared memory"
    assert results["stale weights are seen"]["status"] == "passed"
    assert results["memory given back"]["status"] == "skipped"
    assert "checks.sampling" in sys.modules
