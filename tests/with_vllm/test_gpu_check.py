"""The stages of the GPU check that need a real engine: updates, sleep, waking and speed."""

import json
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "benchmarks/gpu"


def test_its_engine_stages_at_toy_size(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import check

    setting = check.Setting.on("cpu", tmp_path, None, None)
    for stage in ("engine", "engine_speed"):
        check._run_here(check.STAGES[stage], setting)
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    results = {each["name"]: each for each in map(json.loads, lines)}
    assert not [each for each in results.values() if each["status"] == "failed"]
    assert results["toy: 16 completions at once"]["value"] > 0
    assert results["weights travel by"]["value"] == "shared memory"
    assert results["stale weights are seen"]["status"] == "passed"
    assert results["memory given back"]["status"] == "skipped"
