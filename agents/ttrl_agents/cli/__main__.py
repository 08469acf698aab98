"""Runs the command line: `python -m ttrl_agents.cli`."""

import sys

from ttrl_agents.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
