"""Seeds: pure functions of the run's seed, and different for whatever is drawn."""

from hypothesis import given
from hypothesis import strategies as st

from ttrl_agents.seeds import Stream, completion_seeds, derive_seed


def test_every_draw_has_a_seed_of_its_own():
    seeds = [
        derive_seed(seed, stream, index, more)
        for seed in range(5)
        for stream in Stream
        for index in range(5)
        for more in range(5)
    ]
    assert len(set(seeds)) == len(seeds)


def test_the_seeds_of_a_run_stay_what_they_are():
    # Runs made before would not resume to the same weights if these changed.
    assert derive_seed(0, Stream.SAMPLING) == 5836529245451711556
    assert derive_seed(1, Stream.MINIBATCHES, 2, 3) == 12032397679145504493
    assert completion_seeds(0, "q", 1) == [519348929005220678]


@given(st.integers(0, 2**32), st.text(), st.integers(1, 20), st.integers(0, 20))
def test_fewer_completions_have_the_first_seeds_of_more(seed, question, few, more):
    assert completion_seeds(seed, question, few + more)[:few] == completion_seeds(
        seed, question, few
    )


@given(st.lists(st.text(), min_size=2, max_size=5, unique=True))
def test_questions_share_no_seed(questions):
    seeds = [seed for question in questions for seed in completion_seeds(0, question, 8)]
    assert len(set(seeds)) == len(seeds)
