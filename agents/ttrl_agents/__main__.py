"""Runs the command line: `python -m ttrl_agents`."""

import sys

from ttrl_agents.cli.entry import main

sys.exit(main())
