"""An engine without a model, for the tests of the process around it."""

import os
import signal
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

from ttrl_agents.samplers.vllm.process import Channel, end_with


def main() -> None:
    connection = Connection(int(sys.argv[1]))
    end_with(connection, Path(sys.argv[2]))
    channel = Channel(connection)
    while True:
        try:
            message, arrays = channel.receive()
        except EOFError:
            return
        command = message["command"]
        if command == "echo":
            channel.send({"progress": 3, "finished": [1, 0]})
            channel.send({"message": message}, arrays)
        elif command == "where":
            channel.send({"cwd": str(Path.cwd()), "temporary": tempfile.gettempdir()})
        elif command == "fail":
            channel.send({"error": "ValueError: no"})
        elif command == "die":
            sys.stderr.write("out of luck\n")
            os.kill(os.getpid(), signal.SIGKILL)
        elif command == "hang":
            time.sleep(60)


if __name__ == "__main__":
    main()
