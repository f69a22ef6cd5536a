"""Text from elsewhere cannot steer the terminal that shows it."""

from mcpsecurity.runtime.printable import one_line, printable, uncoloured


def test_what_a_server_sends_cannot_steer_the_terminal() -> None:
    assert printable("a\x1b[2Jb\u202ec\n\td\x07") == "a\ufffd[2Jb\ufffdc\n\td\ufffd"
    assert one_line("a\nApprove?\u2028b") == "a Approve? b"


def test_colours_and_titles_of_a_programs_output_are_left_out() -> None:
    assert uncoloured("\x1b[1;33mWARN\x1b[0m it \x1b]0;title\x07works\x1b]8;;x\x1b\\") == "WARN it works"
    assert uncoloured("a\x1bb\x07") == "a\ufffdb\ufffd"
