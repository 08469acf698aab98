"""Two evaluations, question by question."""

import numpy as np
import pytest
from evaluations_made_up import made_up_evaluation, made_up_result

from ttrl_agents.errors import AgentError
from ttrl_agents.evaluate import Evaluation, compare, sign_flip_p_value
from ttrl_agents.evaluate.comparison import check_comparable

CONFIG = {
    "benchmark": "b",
    "k": 4,
    "temperature": 0.6,
    "top_p": 0.95,
    "max_tokens": 9,
    "stop_at_box": False,
}


def test_by_hand():
    a = made_up_evaluation({"only-a": 4, "w": 0, "x": 1, "y": 2, "z": 4})
    b = made_up_evaluation({"z": 3, "y": 2, "x": 4, "w": 2, "only-b": 0})
    mean, majority = (comparison := compare(a, b)).differences.values()
    assert [each.question_id for each in comparison.b.results] == ["w", "x", "y", "z"]
    assert (mean.a, mean.b) == (7 / 16, 11 / 16)
    assert mean.interval.mean == pytest.approx(4 / 16)
    assert (mean.wins, mean.ties, mean.losses) == (2, 1, 1)
    assert mean.p_value == sign_flip_p_value([2, 3, 0, -1])
    assert mean.deviation == pytest.approx(np.std([2 / 4, 3 / 4, 0, -1 / 4], ddof=1))
    assert (majority.wins, majority.ties, majority.losses) == (1, 3, 0)
    assert comparison.most_changed(2) == [("x", 0.25, 1.0), ("w", 0.0, 0.5)]
    assert len(comparison.most_changed(9)) == 3  # y did not change


def test_the_other_way_round_is_the_same_difference_with_the_other_sign():
    rng = np.random.default_rng(0)
    names = [f"q{i}" for i in range(30)]
    a, b = (
        made_up_evaluation(dict(zip(names, rng.integers(0, 5, 30).tolist(), strict=True)))
        for _ in range(2)
    )
    for one, other in zip(
        compare(a, b).differences.values(), compare(b, a).differences.values(), strict=True
    ):
        assert one.p_value == other.p_value
        assert (one.wins, one.losses) == (other.losses, other.wins)
        assert one.interval.low == pytest.approx(-other.interval.high)


def test_pairing_sees_what_two_intervals_do_not():
    # Difficulty differs widely between questions; one policy is a little better on each.
    right = {f"q{i}": i % 4 for i in range(40)}
    a = made_up_evaluation(right)
    b = made_up_evaluation({name: count + 1 for name, count in right.items()})
    mean = compare(a, b).differences["mean@4"]
    assert mean.interval.low == mean.interval.high == 0.25
    assert a.metrics["mean@4"].high - a.metrics["mean@4"].low > 0.15


def test_another_k_is_put_on_a_common_scale():
    a, b = made_up_evaluation({"x": 2, "y": 1}, k=4), made_up_evaluation({"x": 3, "y": 3}, k=6)
    mean = compare(a, b).differences["mean@4/6"]
    assert (mean.wins, mean.ties, mean.losses) == (1, 1, 0)
    assert mean.b - mean.a == pytest.approx(mean.interval.mean)


def test_levels_are_compared_apart():
    a, b = (
        Evaluation(tuple(made_up_result(n, [answer], level=i) for i, n in enumerate("xyz", 1)))
        for answer in ("0", "1")
    )
    comparison = compare(a, b)
    assert comparison.levels == (1, 2, 3)
    assert comparison.of_level(2).differences["mean@1"].wins == 1


def test_what_cannot_be_compared_is_refused():
    a = made_up_evaluation({"x": 1})
    with pytest.raises(AgentError, match="share no question"):
        compare(a, made_up_evaluation({"y": 1}))
    unlabelled = Evaluation((made_up_result("x", ["1"] * 4, label=None),))
    with pytest.raises(AgentError, match="has a label"):
        compare(a, unlabelled)
    other = made_up_result("x", ["1"] * 4)
    reworded = Evaluation((type(other)(**{**vars(other), "prompt": "X, please?"}),))
    with pytest.raises(AgentError, match="in other words"):
        compare(a, reworded)


def test_a_question_whose_label_was_changed_in_between_is_refused():
    answers = ["1", "2", None, "3"]
    a, b = (Evaluation((made_up_result("x", answers, label=label),)) for label in ("1", "2"))
    for one, other in ((a, b), (b, a)):
        with pytest.raises(AgentError, match=r"'x' was graded by two labels: the answer '[12]'"):
            compare(one, other)
    apart = Evaluation((made_up_result("x", [None, "8", "9", "9"], label="2"),))
    assert compare(a, apart).differences["mean@4"].losses == 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("k", 8), ("temperature", 1.0), ("top_p", 1.0), ("max_tokens", 5), ("stop_at_box", True)],
)
def test_other_sampling_is_refused_unless_forced(name, value):
    other = {**CONFIG, name: value}
    assert check_comparable(CONFIG, CONFIG) == []
    with pytest.raises(AgentError, match=f"{name} is .* --force"):
        check_comparable(CONFIG, other)
    (said,) = check_comparable(CONFIG, other, force=True)
    assert str(value) in said


def test_another_benchmark_is_refused_even_if_forced():
    with pytest.raises(AgentError, match="same benchmark"):
        check_comparable(CONFIG, {**CONFIG, "benchmark": "c"}, force=True)
