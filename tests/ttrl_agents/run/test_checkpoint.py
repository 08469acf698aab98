"""Checkpoints: whole or not at all, and every way that one can be wrong ends in a sentence."""

import json
import resource
import subprocess
import sys

import pytest
from safetensors.torch import load_file
from small_runs import StopAfter, assert_same_run, small

from ttrl_agents.cli.entry import main
from ttrl_agents.config.train_config import RESUMABLE_WITH, TrainConfig
from ttrl_agents.errors import AgentError
from ttrl_agents.run import checkpoint
from ttrl_agents.run.atomic import replace_folder
from ttrl_agents.run.checkpoint import latest_state, load_agent, verify_state
from ttrl_agents.trainer import Interrupted, Trainer, resume_config


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    Trainer(small(folder)).run()
    return folder


@pytest.fixture
def halted(tmp_path):
    """A run that was stopped after step 3; its checkpoints are of steps 2 and 3."""
    with pytest.raises(Interrupted):
        Trainer(small(tmp_path / "run"), [StopAfter(3)]).run()
    return tmp_path / "run"


def resume(folder):
    return Trainer(resume_config(folder), resume=True).run()


def states(folder):
    return sorted(path.name for path in (folder / "checkpoints").glob("step-*"))


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        ("model/model.safetensors", truncate, r"model/model\.safetensors has \d+ bytes of \d+"),
        ("model/model.safetensors", flip_a_bit, "is not as it was written"),
        ("model/config.json", lambda path: path.unlink(), r"model/config\.json is missing"),
        ("agent.safetensors", truncate, r"agent\.safetensors has \d+ bytes"),
        ("agent.safetensors", lambda path: path.unlink(), r"agent\.safetensors is missing"),
        ("trainer.json", truncate, r"trainer\.json has \d+ bytes"),
        ("files.json", truncate, r"files\.json cannot be read"),
        ("files.json", lambda path: path.write_text("[1]"), r"files\.json cannot be read"),
        ("files.json", lambda path: path.unlink(), r"files\.json is missing"),
    ],
)
def test_a_damaged_checkpoint_names_the_whole_one_before_it_and_the_run_ends_the_same(
    halted, whole, file, damage, message
):
    assert states(halted) == ["step-000002", "step-000003"]
    newest = halted / "checkpoints" / "step-000003"
    damage(newest / file)
    with pytest.raises(AgentError, match=message) as refused:
        resume(halted)
    assert str(newest) in str(refused.value)
    assert "Remove that folder to go on from step-000002" in str(refused.value)
    verify_state(halted / "checkpoints" / "step-000002")
    newest.rename(halted / "aside")  # what the sentence says
    resume(halted)
    assert_same_run(whole, halted)


def test_a_checkpoint_that_was_put_by_under_another_name_is_none(halted, whole):
    newest = halted / "checkpoints" / "step-000003"
    truncate(newest / "agent.safetensors")
    newest.rename(newest.with_name("step-000003.damaged"))
    resume(halted)
    assert_same_run(whole, halted)
    assert states(halted) == ["step-000002", "step-000003.damaged", "step-000004"]


def test_the_newest_checkpoint_is_that_of_the_most_steps(tmp_path):
    for step in (999_998, 1_000_000, 999_999):
        (tmp_path / f"step-{step:06d}").mkdir()
    assert latest_state(tmp_path) == tmp_path / "step-1000000"


def test_where_no_checkpoint_is_whole_the_way_on_is_to_start_anew(halted):
    for state in (halted / "checkpoints").glob("step-*"):
        truncate(state / "agent.safetensors")
    with pytest.raises(AgentError, match=r"start anew: ttrl train --config .*config\.json"):
        resume(halted)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("seed", 1, "--seed was 0 and is 1 now"),
        ("model", "other", "--model was 'tiny' and is 'other' now"),
        ("env", "TTRL-AMC-v0", "--env was 'TTRL-Arithmetic-v0'"),
        ("steps", 9, "--steps was 4 and is 9 now"),
        ("env_options", {"size": 50}, "--env-options was {}"),
    ],
)
def test_a_checkpoint_of_another_configuration_is_refused(halted, name, value, message):
    path = halted / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    before = states(halted)
    with pytest.raises(AgentError, match=message) as refused:
        resume(halted)
    assert "another configuration" in str(refused.value)
    assert states(halted) == before


def test_other_questions_than_those_it_began_with_are_refused(tmp_path):
    questions = tmp_path / "questions.json"
    rows = [{"question": f"What is {n} plus 1?"} for n in range(4)]
    questions.write_text(json.dumps(rows))
    config = small(tmp_path / "run", env="TTRL-Questions-v0", data=questions)
    with pytest.raises(Interrupted):
        Trainer(config, [StopAfter(1)]).run()
    questions.write_text(json.dumps([*rows[:3], {"question": "What is 7 plus 8?"}]))
    with pytest.raises(AgentError, match="trained on other questions"):
        resume(tmp_path / "run")
    moved = tmp_path / "elsewhere" / "questions.json"
    moved.parent.mkdir()
    moved.write_text(json.dumps(rows))
    assert main(["train", "--resume", str(tmp_path / "run"), "--data", str(moved)]) == 0


@pytest.mark.parametrize("content", ["{", "[]", '{"step": 3, "unheard": 1}', '"x"'])
def test_a_trainer_file_that_says_nothing_is_refused(halted, content):
    newest = halted / "checkpoints" / "step-000003"
    (newest / "trainer.json").write_text(content)
    (newest / "files.json").write_text(json.dumps(checkpoint._checksums(newest)))
    with pytest.raises(AgentError, match="damaged"):
        resume(halted)


@pytest.mark.parametrize("content", ["{", "[1]", '{"steps": "9"}', '{"stepss": 9}', ""])
def test_a_config_file_that_says_nothing_is_refused(halted, content, capsys):
    (halted / "config.json").write_text(content)
    for start in (["--resume", halted], ["--config", halted / "config.json"]):
        assert main(["train", *map(str, start)]) == 1
        assert "config.json" in capsys.readouterr().err


def test_options_that_cannot_change_the_results_may_be_given_to_a_resumed_run(halted, whole):
    given = ["--checkpoint-every", "1", "--keep-checkpoints", "3"]
    assert main(["train", "--resume", str(halted), *given]) == 0
    assert_same_run(whole, halted)
    assert states(halted) == ["step-000002", "step-000003", "step-000004"]


def test_other_options_may_not(halted, capsys):
    assert main(["train", "--resume", str(halted), "--seed", "3", "--output", "x"]) == 1
    message = capsys.readouterr().err
    assert "leave out --seed, --output" in message
    assert "Only --checkpoint-every, --data" in message
    assert set(TrainConfig.__dataclass_fields__) > RESUMABLE_WITH


def test_a_config_file_starts_the_same_run_again(whole, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = str(whole / "config.json")
    assert main(["train", "--config", file, "--output", "again"]) == 0
    assert_same_run(whole, tmp_path / "again")
    assert main(["train", "--config", file, "--seed", "1", "--steps", "1"]) == 0
    (other,) = (tmp_path / "runs").iterdir()
    config = json.loads((other / "config.json").read_text())
    first = json.loads((whole / "config.json").read_text())
    changed = {name for name in config if config[name] != first[name]}
    assert changed == {"seed", "steps", "output"}


@pytest.mark.skipif(sys.platform == "win32", reason="limits of file sizes are POSIX")
def test_a_file_that_the_system_cuts_short_leaves_the_checkpoints_before_it(halted, whole):
    before = states(halted)
    code = (
        "import resource, sys; from ttrl_agents.cli.entry import main;"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, {resource.RLIM_INFINITY}));"
        "sys.exit(main(sys.argv[1:]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, "train", "--resume", str(halted)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1, ended.stderr
    assert "A file is larger than this system lets it be" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert states(halted) == before
    resume(halted)
    assert_same_run(whole, halted)


def test_ranks_that_saved_before_their_first_update_go_on_without_moments(tmp_path, random_policy):
    (tmp_path / "agent").mkdir()
    assert load_agent(tmp_path, random_policy) == {}


def test_a_kill_between_two_renames_loses_nothing(tmp_path):
    place = tmp_path / "step-000002"
    replace_folder(place, lambda folder: (folder / "a").write_text("first"))
    place.rename(tmp_path / ".step-000002.old")  # as far as a kill may let it come
    (tmp_path / ".step-000002.tmp").mkdir()
    (tmp_path / ".step-000000.gone").mkdir()
    assert latest_state(tmp_path) == place
    assert (place / "a").read_text() == "first"
    assert [each.name for each in tmp_path.iterdir()] == ["step-000002"]


def test_a_folder_in_which_a_run_died_at_its_first_file_can_be_used(tmp_path):
    (tmp_path / ".config.json.tmp").write_text("{")
    Trainer(small(tmp_path, steps=1)).run()
    assert load_file(tmp_path / "checkpoint" / "model.safetensors")
