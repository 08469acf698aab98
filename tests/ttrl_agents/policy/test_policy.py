"""Loading a policy: from where, and what is said where it cannot be."""

import json

import pytest
import torch

from ttrl_agents.errors import AgentError
from ttrl_agents.policy.checks import check_policy
from ttrl_agents.policy.loading import load_policy, resolve_device
from ttrl_agents.policy.policy import Policy
from ttrl_agents.tiny import checkpoint_path
from ttrl_benchmarks import UnknownNameError


def test_the_tiny_reasoner_and_its_folder_are_the_same_model():
    named, placed = load_policy("tiny"), load_policy(str(checkpoint_path()))
    for a, b in zip(named.model.parameters(), placed.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_saved_policy_loads_again_from_a_run_directory(random_policy, tmp_path):
    random_policy.save(tmp_path / "run" / "checkpoint")
    loaded = load_policy(str(tmp_path / "run"))
    ids = torch.tensor(loaded.encode_prompts(["How many?"]))
    assert torch.equal(loaded.model(ids).logits, random_policy.model(ids).logits)


def test_prompts_are_one_turn_of_a_user_and_any_text_survives(random_policy):
    for text in ("What is 3 plus 4?", "π ≤ 22/7 — 你好 🙂", ""):
        (ids,) = random_policy.encode_prompts([text])
        decoded = random_policy.tokenizer.decode(ids)
        assert decoded == f"<|user|>{text}<|assistant|>"


def test_a_model_without_a_chat_template_is_refused_unless_one_is_given(random_policy, tmp_path):
    random_policy.save(tmp_path / "model")
    (tmp_path / "model" / "chat_template.jinja").unlink()
    with pytest.raises(AgentError, match="no chat template"):
        load_policy(str(tmp_path / "model"))
    template = tmp_path / "plain.jinja"
    template.write_text("Q: {{ messages[0]['content'] }}\nA:")
    policy = load_policy(str(tmp_path / "model"), chat_template=template)
    assert policy.tokenizer.decode(policy.encode_prompts(["1 + 1?"])[0]) == "Q: 1 + 1?\nA:"
    with pytest.raises(AgentError, match="cannot be read"):
        load_policy(str(tmp_path / "model"), chat_template=tmp_path / "none.jinja")


def test_a_pickled_checkpoint_is_never_opened(random_policy, tmp_path):
    random_policy.save(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save({"anything": torch.ones(1)}, tmp_path / "pytorch_model.bin")
    with pytest.raises(AgentError, match="cannot be loaded"):
        load_policy(str(tmp_path))


def test_code_that_comes_with_a_model_is_never_run(random_policy, tmp_path):
    random_policy.save(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "own", "auto_map": {"AutoConfig": "own.OwnConfig"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(AgentError):
        load_policy(str(tmp_path))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("/no/such/model", "no model at"),
        ("no-such-file.gguf", "no model at"),
        ("{folder}", "neither config.json nor a GGUF file"),
        ("{file}", "not a GGUF file"),
    ],
)
def test_what_is_no_model_is_said_so(tmp_path, source, message):
    (tmp_path / "notes.txt").write_text("nothing")
    place = source.format(folder=tmp_path, file=tmp_path / "notes.txt")
    with pytest.raises(AgentError, match=message):
        load_policy(place)


def test_a_run_that_does_not_exist_is_not_looked_for_on_the_hub(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AgentError, match=r"There is no folder 'runs/nothing'\.$"):
        load_policy("runs/nothing")
    (tmp_path / "runs" / "eval-arithmetic-nothing-seed1").mkdir(parents=True)
    (tmp_path / "runs" / "arithmetic-majority-seed0").mkdir()
    with pytest.raises(AgentError, match=r"In runs are: arithmetic-majority-seed0\.$"):
        load_policy("runs/arithmetic-majority-seed1")


def test_an_id_that_the_hub_does_not_give_is_also_said_not_to_be_a_folder(monkeypatch):
    def offline(*_, **__):
        raise OSError("offline")

    monkeypatch.setattr("ttrl_agents.policy.loading.AutoTokenizer.from_pretrained", offline)
    with pytest.raises(AgentError, match="no folder 'my/model', and as an id on the Hub"):
        load_policy("my/model")


@pytest.mark.parametrize("device", ["meta", "gpu", "cuda:x"])
def test_a_device_that_is_not_known_is_said_so(device):
    with pytest.raises(AgentError, match=f"Unknown device '{device}'; use auto, cpu, cuda"):
        resolve_device(device)


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("config.json", lambda text: "[1]"),
        ("config.json", lambda text: text.replace('"hidden_size": 32', '"hidden_size": "many"')),
        ("config.json", lambda text: text.replace('"hidden_size": 32', '"hidden_size": 64')),
        ("tokenizer.json", lambda text: '{"version": "9.0", "added_tokens": [], "model": {}}'),
        ("model.safetensors", lambda text: ""),
    ],
)
def test_a_damaged_model_is_refused_in_a_sentence(random_policy, tmp_path, file, damage):
    random_policy.save(tmp_path)
    whole = (tmp_path / file).read_text(encoding="latin-1")
    assert damage(whole) != whole
    (tmp_path / file).write_text(damage(whole), encoding="latin-1")
    with pytest.raises(AgentError, match=r"cannot be loaded: .*[a-z]{3}") as refused:
        load_policy(str(tmp_path))
    assert "report" not in str(refused.value)  # that transformers names, and that we do not show


def test_a_run_without_a_trained_model_yet_is_no_model(tmp_path):
    (tmp_path / "config.json").write_text('{"env": "TTRL-Arithmetic-v0", "steps": 300}')
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(AgentError, match=f"not come to its end.*ttrl train --resume {tmp_path}"):
        load_policy(str(tmp_path))


@pytest.mark.parametrize(
    ("template", "said"),
    [("{% for", "unexpected"), ("{{ raise_exception('no user') }}", "no user")],
)
def test_a_chat_template_that_fails_is_named(tmp_path, template, said):
    (tmp_path / "own.jinja").write_text(template)
    policy = load_policy("tiny", chat_template=tmp_path / "own.jinja")
    with pytest.raises(AgentError, match=f"chat template of model 'tiny' fails: .*{said}"):
        policy.encode_prompts(["1 + 1?"])


def test_a_name_that_is_nothing_lists_the_close_ones():
    with pytest.raises(UnknownNameError, match="Did you mean 'tiny'"):
        load_policy("tny")


def test_a_model_that_nothing_ends_is_refused(random_policy):
    tokenizer = random_policy.tokenizer

    class Endless:
        chat_template, eos_token_id, pad_token_id = "x", None, None

    random_policy.model.generation_config.eos_token_id = None
    with pytest.raises(AgentError, match="no end-of-text token"):
        Policy(random_policy.model, Endless(), "endless")
    assert tokenizer.eos_token_id in Policy(random_policy.model, tokenizer, "x").end_token_ids


def test_an_apple_gpu_that_is_not_there_is_said_so():
    with pytest.raises(AgentError, match="no Apple GPU here"):
        resolve_device("mps")


def test_the_panic_of_a_tokenizer_is_an_error_in_a_sentence(random_policy, monkeypatch):
    class PanicException(BaseException):
        pass

    def fail(*_, **__):
        raise PanicException("regex\x1b[31m")

    monkeypatch.setattr(type(random_policy.tokenizer), "__call__", fail)
    said = r"tokenizer of model 'random' fails: regex\\x1b\[31m"
    with pytest.raises(AgentError, match=said):
        random_policy.encode_prompts(["1 + 1?"])
    with pytest.raises(AgentError, match=said):
        check_policy(random_policy)


def test_the_tokenizer_of_another_model_is_named(random_policy, monkeypatch):
    made = {"input_ids": [1, 10**6]}
    monkeypatch.setattr(type(random_policy.tokenizer), "__call__", lambda *_, **__: made)
    with pytest.raises(AgentError, match=r"makes token 1000000, and the model knows 640"):
        random_policy.encode_prompts(["1 + 1?"])
