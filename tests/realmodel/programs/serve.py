"""llama.cpp's server; its arguments are a port, the model's file, and how many tokens it reads."""

import signal
import sys
import threading

import xllamacpp


def main() -> None:
    """Serve until SIGTERM."""
    port, weights, context = sys.argv[1:]
    parameters = xllamacpp.CommonParams()
    parameters.model.path = weights
    parameters.n_ctx = int(context)
    parameters.n_parallel = 1
    parameters.cpuparams.n_threads = 1
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = int(port)
    parameters.warmup = False
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    server = xllamacpp.Server(parameters)
    print(server.listening_address, flush=True)
    stopped.wait()
    sys.stdout.flush()


if __name__ == "__main__":
    main()
