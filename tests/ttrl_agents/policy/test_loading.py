"""Loading a policy from the Hub, which may refuse."""

import os
import subprocess
import sys

from hub_mirror import HubMirror

# The client of the Hub reads its address when it is imported.
LOADS = """
from ttrl_agents.cli.entry import main
main(["eval", "someone/some-model"])
"""


def test_a_hub_that_refuses_says_what_may_be_the_matter(tmp_path):
    with HubMirror() as mirror:
        mirror.status = 403
        unset = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE")
        environment = {name: each for name, each in os.environ.items() if name not in unset}
        environment |= {"HF_ENDPOINT": mirror.url, "HF_HOME": str(tmp_path / "home")}
        command = [sys.executable, "-c", LOADS]
        done = subprocess.run(
            command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert f"{mirror.url} refuses (HTTP 403), and no token was shown." in done.stderr
        assert "hf auth login" in done.stderr
        assert "internet connection" not in done.stderr
        assert mirror.requests
