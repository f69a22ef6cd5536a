"""How much of what a command prints is shown."""

from mcpsecurity.console.command_lines import CommandLines


def test_the_first_lines_after_each_message_are_shown_and_the_last_ones_kept() -> None:
    shown: list[str] = []
    lines = CommandLines("npx", shown.append)
    for number in range(600):
        lines.take(str(number))
    assert shown == [*(f"npx: {number}" for number in range(10)), "npx prints more; /log shows it."]
    assert list(lines.kept) == [str(number) for number in range(100, 600)]
    lines.renew()
    lines.take("again")
    assert shown[-1] == "npx: again"


def test_frames_of_banners_are_kept_only() -> None:
    shown: list[str] = []
    lines = CommandLines("npx", shown.append)
    for line in ("╭────╮", "│  ▄▀ │", "│ FastMCP │"):
        lines.take(line)
    assert shown == ["npx: │ FastMCP │"]
    assert len(lines.kept) == 3


def test_an_address_at_which_to_sign_in_is_shown_among_many_lines_but_not_without_end() -> None:
    shown: list[str] = []
    lines = CommandLines("npx", shown.append)
    for number in range(20):
        lines.take(f"line {number}")
    for _ in range(100):
        lines.take("Visit https://auth.example/authorize")
    assert len([line for line in shown if line.endswith("authorize")]) == 10


def test_the_last_lines_of_a_command_that_failed_are_shown_once() -> None:
    shown: list[str] = []
    lines = CommandLines("npx", shown.append)
    lines.take("all is well")
    lines.show_last()
    assert shown == ["npx: all is well"]
    for number in range(100):
        lines.take(str(number))
    lines.take("╰────╯")
    del shown[:]
    lines.show_last()
    lines.show_last()
    assert shown == [f"npx: {number}" for number in range(70, 100)]
