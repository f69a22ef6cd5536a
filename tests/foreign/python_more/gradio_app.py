"""A Gradio page whose functions are tools. The port is the first argument."""

import sys
import time
from typing import Literal

import gradio


def add(a: float, b: float) -> float:
    """Add two numbers.

    Args:
        a: the first
        b: the second
    """
    return a + b


def shout(text: str, times: Literal["once", "twice"] = "once") -> str:
    """Shout a text.

    Args:
        text: what to shout
        times: how often
    """
    return text.upper() * (1 if times == "once" else 2)


def wait(seconds: float) -> str:
    """Wait.

    Args:
        seconds: how long
    """
    time.sleep(seconds)
    return "waited"


with gradio.Blocks() as page:
    gradio.api(add)
    gradio.api(shout)
    gradio.api(wait)

if __name__ == "__main__":
    page.launch(server_name="127.0.0.1", server_port=int(sys.argv[1]), mcp_server=True, quiet=True)
