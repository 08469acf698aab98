"""The prompts of a run: at one date, short enough, and the same when it resumes."""

import json
import zlib
from dataclasses import replace

import pytest
from hostile_templates import DATED
from small_runs import StopAfter, small, weights_of

from ttrl_agents.errors import AgentError
from ttrl_agents.run.interrupted import Interrupted
from ttrl_agents.trainer import Trainer, resume_config

OWN = "<|user|>{{ messages[0].content }}<|assistant|>"


@pytest.fixture
def dated(tmp_path):
    (tmp_path / "dated.jinja").write_text("{{ strftime_now('%d') }} " + DATED)
    return tmp_path / "dated.jinja"


def stopped_after(step, config):
    with pytest.raises(Interrupted):
        Trainer(config, [StopAfter(step)]).run()


def test_a_run_keeps_the_date_on_which_it_began(tmp_path, dated):
    whole = small(tmp_path / "whole", steps=2, chat_template=dated, template_date="2024-02-28")
    Trainer(whole).run()
    cut = small(tmp_path / "cut", steps=2, chat_template=dated, template_date="2024-02-28")
    stopped_after(1, cut)
    resumed = Trainer(resume_config(tmp_path / "cut"), resume=True)
    assert resumed.policy.template.now.day == 28
    resumed.run()
    one, other = weights_of(tmp_path / "whole"), weights_of(tmp_path / "cut")
    assert all(one[name].equal(other[name]) for name in one)


def test_without_a_date_given_it_is_that_of_the_day_and_written_down(tmp_path, dated):
    trainer = Trainer(small(tmp_path / "run", steps=1, chat_template=dated))
    day = trainer.config.template_date
    assert trainer.policy.template.now.date().isoformat() == day
    trainer.run()
    assert json.loads((tmp_path / "run" / "config.json").read_text())["template_date"] == day


def test_a_template_that_tells_no_date_leaves_none_in_the_options(tmp_path):
    assert Trainer(small(tmp_path / "run")).config.template_date is None


def test_a_dated_run_of_an_earlier_version_is_not_mixed(tmp_path, dated):
    config = small(tmp_path / "run", steps=2, chat_template=dated)
    stopped_after(1, config)
    states = list((tmp_path / "run").rglob("trainer.json"))
    for path in (tmp_path / "run" / "config.json", *states):
        values = json.loads(path.read_text())
        for options in (values, values.get("options", {})):
            options.pop("template_date", None)
        path.write_text(json.dumps(values))
    for state in states:
        manifest = state.parent / "files.json"
        files = json.loads(manifest.read_text())
        files["trainer.json"] = [state.stat().st_size, zlib.crc32(state.read_bytes())]
        manifest.write_text(json.dumps(files))
    with pytest.raises(AgentError, match=r"tells the date, .* Give that with --template-date"):
        Trainer(resume_config(tmp_path / "run"), resume=True)


def test_another_template_is_another_run(tmp_path):
    template = tmp_path / "own.jinja"
    template.write_text(OWN)
    stopped_after(1, small(tmp_path / "run", steps=2, chat_template=template))
    template.write_text(OWN + " ")
    with pytest.raises(AgentError, match="trained on other prompts"):
        Trainer(resume_config(tmp_path / "run"), resume=True)


def test_long_prompts_are_found_before_anything_is_made_of_them(tmp_path):
    with pytest.raises(AgentError, match=r"Prompts that are too long: .* With --max-tokens 500"):
        Trainer(small(tmp_path / "run", max_tokens=500))


def test_a_run_can_go_on_without_its_long_prompts(tmp_path):
    stopped_after(1, small(tmp_path / "run", steps=2))
    config = resume_config(tmp_path / "run")
    shorter = Trainer(replace(config, max_prompt_tokens=40), resume=True)
    assert shorter.left_out > 0
    assert shorter.run()["steps"] == 2
    again = Trainer(resume_config(tmp_path / "run"), resume=True)
    assert len(again.benchmark) == len(shorter.benchmark)
