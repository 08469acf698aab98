"""The process around an engine: answers, failures, deaths and hangs."""

import os
import sys

import numpy as np
import pytest

from ttrl_agents.samplers.vllm.process import EngineError, EngineProcess


@pytest.fixture
def engine(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    process = EngineProcess("echo_engine", {}, folder, tmp_path / "engine.log", timeout=30)
    yield process
    process.end()


def test_messages_and_arrays_come_back_as_they_were(engine):
    arrays = [np.arange(6, dtype=np.int64).reshape(2, 3), np.array([0.5], dtype=np.float32)]
    progress, finished = [], []
    answer, back = engine.ask(
        {"command": "echo", "text": "π"},
        arrays,
        on_progress=progress.append,
        on_finished=finished.extend,
    )
    assert answer["message"]["text"] == "π"
    assert (progress, finished) == ([3], [1, 0])
    for sent, received in zip(arrays, back, strict=True):
        assert received.dtype == sent.dtype
        np.testing.assert_array_equal(received, sent)


def test_a_failure_is_told_and_the_engine_lives_on(engine):
    with pytest.raises(EngineError, match=r"The engine failed \(fail\): ValueError: no"):
        engine.ask({"command": "fail"})
    assert engine.ask({"command": "echo"})[0]["message"] == {"command": "echo"}


def test_a_death_names_the_signal_and_the_last_words(engine):
    with pytest.raises(EngineError, match=r"killed by signal 9.*ends: out of luck"):
        engine.ask({"command": "die"})


def test_silence_counts_as_a_hang(engine):
    engine.ask({"command": "echo"})
    with pytest.raises(EngineError, match=r"has not answered \(hang\) for 0\.5 seconds"):
        engine.ask({"command": "hang"}, timeout=0.5)


def test_an_engine_that_does_not_even_listen_counts_as_hung(engine):
    """What is sent to it then fills the pipe, and is not waited for either."""
    engine.ask({"command": "echo"})
    engine._channel.send({"command": "hang"})
    with pytest.raises(EngineError, match=r"has not answered \(echo\) for 0\.5 seconds"):
        engine.ask({"command": "echo"}, [np.zeros(10**6)], timeout=0.5)


def test_it_works_in_its_own_folder(engine, tmp_path):
    answer, _ = engine.ask({"command": "where"})
    assert answer == {"cwd": str(tmp_path / "scratch"), "temporary": str(tmp_path / "scratch")}


def test_nothing_is_left_behind(engine):
    engine.ask({"command": "echo"})
    pid = engine.pid
    engine.end()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert "echo_engine" not in sys.modules


def test_an_interrupted_question_is_never_answered_late(engine):
    def interrupt(count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.ask({"command": "echo"}, on_progress=interrupt)
    with pytest.raises(EngineError, match="killed by signal 9"):
        engine.ask({"command": "echo"})


def test_it_does_not_outlive_the_process_that_started_it(engine, tmp_path):
    """Not even while it hangs; and its folder goes with it."""
    engine.ask({"command": "echo"})
    engine._channel.send({"command": "hang"})
    engine._channel.connection.close()
    assert engine._process.wait(timeout=20) == -9
    assert not (tmp_path / "scratch").exists()
