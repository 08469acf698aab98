"""Model folders that are damaged, wrong or hostile: each is an error in a sentence."""

import hostile_models
import hostile_templates
import pytest
from hostile_models import edit_json, make_model, set_template

from ttrl_agents.errors import AgentError, PolicyWarning
from ttrl_agents.policy.checks import check_policy
from ttrl_agents.policy.loading import load_policy
from ttrl_agents.run.health import check_weights
from ttrl_agents.samplers import SamplingParams, TransformersSampler


def load(folder):
    policy = load_policy(str(folder), device="cpu")
    check_weights(policy.model, "of the model")
    check_policy(policy)
    return policy


@pytest.mark.parametrize("what", hostile_models.BROKEN)
def test_a_broken_model_is_an_error_in_one_sentence(what, tmp_path):
    change, said = hostile_models.BROKEN[what]
    folder = make_model(tmp_path / "m", change)
    with pytest.raises(AgentError) as caught:
        load(folder)
    assert said in str(caught.value)
    assert str(caught.value).isprintable()
    assert not (folder / "touched").exists()


@pytest.mark.parametrize("what", hostile_models.ODD)
def test_an_odd_model_is_used(what, tmp_path, recwarn):
    policy = load(make_model(tmp_path / "m", hostile_models.ODD[what]))
    prompts = ["1 + 1?", "How many apples are there?"]  # of different lengths, so one is padded
    assert len(TransformersSampler(policy).sample(prompts, SamplingParams(4), seed=0)) == 2
    assert 0 <= policy.pad_token_id < policy.vocabulary_size
    assert not [each for each in recwarn if "template" in str(each.message)]


def test_a_file_that_is_not_read_is_not_loaded(tmp_path):
    folder = make_model(tmp_path / "m", edit_json("config.json", num_hidden_layers=1001))
    with pytest.raises(AgentError, match=r"1,001 layers .num_hidden_layers in config.json."):
        load(folder)


def test_weights_that_have_no_place_are_warned_of(tmp_path):
    fewer = make_model(tmp_path / "m", edit_json("config.json", num_hidden_layers=1))
    said = r"has no place: model\.layers\.1\.\S+ and \d+ others\. They are left out"
    with pytest.warns(PolicyWarning, match=said):
        load(fewer)


@pytest.mark.parametrize("what", hostile_templates.UNUSABLE)
def test_a_template_that_makes_no_prompt_is_named(what, tmp_path):
    folder = make_model(tmp_path / "m", set_template(hostile_templates.UNUSABLE[what]))
    policy = load_policy(str(folder))
    with pytest.raises(AgentError, match=r"makes an empty prompt|The tokenizer of model .* fails"):
        policy.encode_prompts(["?"])
