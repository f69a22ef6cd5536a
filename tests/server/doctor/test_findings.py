"""The doctor's findings, as people read them."""

from mcpsecurity_server.doctor.findings import as_table, failed


def test_what_a_server_says_controls_no_terminal_and_forges_no_line() -> None:
    said = "a\x1b[2J\u202eb\nmodel  ok  Fine."
    table = as_table([failed("scope", f"The server wants {said}", f"MCP_SERVER_SCOPE={said}")])
    shown = "a\ufffd[2J\ufffdb model  ok  Fine."
    assert table.splitlines()[1].strip() == f"change: MCP_SERVER_SCOPE={shown}"
    assert len(table.splitlines()) == 2
    assert not set(table) & {"\x1b", "\u202e"}
