"""The notebooks run from top to bottom, from the wheel, and show what they say."""

import re
import threading
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from tests.notebooks.reader import Answer, is_quiet, run, text_of
from tests.support.agents import makes_an_agent
from tests.support.device import enter_code
from tests.support.installed import ROOT, installed

from mcpsecurity.testing import LocalStack

pytestmark = pytest.mark.timeout(300)

NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
NUMBER_IS = r"number between [^*]* is \*\*{}\*\*"


def book(number: int) -> Path:
    return next(path for path in NOTEBOOKS if path.name.startswith(f"{number}-"))


@makes_an_agent
def test_the_first_tool_call_takes_five_cells_and_no_home_that_can_be_written(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.touch()  # a file: root can write in a folder that is closed to others
    notebook, text = run(book(1), installed("notebook"), tmp_path, HOME=str(home))
    assert len([cell for cell in notebook.cells if cell.cell_type == "code"]) == 5
    assert "get_random_number" in text
    assert re.search(NUMBER_IS.format("[1-6]"), text)


@makes_an_agent
def test_the_agent_acts_as_it_is_approved_edited_or_declined(tmp_path: Path) -> None:
    edited = Answer("Approve", {"Arguments": {"value": '{"min": 41, "max": 42}'}})
    _, text = run(book(2), installed("notebook"), tmp_path, [Answer("Approve"), Answer("Decline"), edited])
    assert re.search(NUMBER_IS.format("[1-6]"), text)
    assert "You declined the call of `get_random_number`" in text
    assert not re.search(NUMBER_IS.format("[78]"), text)
    assert re.search(NUMBER_IS.format(41), text)


def test_a_form_answers_the_server(tmp_path: Path) -> None:
    filled = {"Cake": {"index": 2}, "Pieces": {"value": "3"}, "Wrapped": {"index": 1}}
    _, text = run(book(3), installed("notebook"), tmp_path, [Answer("Submit", filled), Answer("Decline")])
    assert "3 pieces of carrot cake, wrapped" in text
    assert "no cake (decline)" in text


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (2, "ValueError: This notebook runs without a front end, so nobody can approve calls: pass `ask`"),
        (3, "Error executing tool order_cake: The client does not support elicitation"),
    ],
)
def test_without_a_person_it_ends_at_once_and_says_why(tmp_path: Path, number: int, message: str) -> None:
    with pytest.raises(CellExecutionError) as caught:
        run(book(number), installed("notebook"), tmp_path, attended=False)
    assert message in re.sub(r"\x1b\[\d*m", "", str(caught.value))


@makes_an_agent
def test_two_servers_share_a_kernel(tmp_path: Path) -> None:
    _, text = run(book(5), installed("notebook"), tmp_path)
    assert "{'Weather': ['get_city_weather'], 'Games': ['play_roll_dice']}" in text
    assert re.search(r"\*\*20\*\*", text)
    assert "Zurich, Switzerland" in text
    assert "['play_deal_cards', 'play_roll_dice']" in text


@makes_an_agent
def test_a_tenant_is_only_a_matter_of_configuration_and_a_call_waits_for_what_its_token_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    people: list[threading.Thread] = []

    def sign_in(text: str) -> None:
        if found := re.search(r"Open (\S+) and enter (\S+)", text):
            people.append(threading.Thread(target=enter_code, args=found.groups()))
            people[-1].start()

    with LocalStack() as stack:
        stack.cloud.tenant.device_poll_interval = 1
        stack.cloud.tenant.directory.publish_scope("numbers:draw", "Draw numbers as you", personal=True)
        tool = "get_random_number"
        server = stack.serve(tool_scopes={tool: ("numbers:draw",)}, tool_acrs={tool: "c1"})
        configuration = stack.environment | {
            "NOTEBOOK_CLIENT_ID": stack.cloud.public_client_id,
            "MCP_SERVER_URL": server.url,
            "MCP_SERVER_SCOPE": server.scope,
            "OPENAI_BASE_URL": f"{stack.cloud.openai_endpoint}/openai/v1",
            "OPENAI_CHAT_MODEL_ID": stack.cloud.openai_deployment,
            "OPENAI_API_KEY": stack.cloud.openai_api_key,
        }
        for key, value in configuration.items():
            monkeypatch.setenv(key, value)
        _, text = run(book(4), installed("notebook"), tmp_path, [Answer("Approve")] * 3, sign_in)
    for person in people:
        person.join(20)
    assert len(people) == 3, "one for all requests, one for the permission, one for the claims of the tool"
    for kind in ("Azure OpenAI, Responses", "Azure OpenAI, Chat Completions", "OpenAI-compatible"):
        assert re.search(rf"^{kind}: Your random {NUMBER_IS.format(5)}", text, re.MULTILINE)


def test_without_configuration_it_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(CellExecutionError, match="Please set ENTRA_TENANT_ID, NOTEBOOK_CLIENT_ID"):
        run(book(4), installed("notebook"), tmp_path)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_committed_has_small_outputs_and_no_secrets(path: Path) -> None:
    notebook = nbformat.reads(path.read_text("utf-8"), as_version=4)
    nbformat.validate(notebook)
    text = text_of(notebook)
    assert path.stat().st_size < 20_000
    assert is_quiet(text)
    assert "widgets" not in notebook.metadata
    ran = any(cell.get("outputs") for cell in notebook.cells)
    assert ran is not path.name.startswith("4-"), "what runs here is committed as it ran"
