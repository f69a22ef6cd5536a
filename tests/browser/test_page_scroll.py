"""How the conversation follows the newest text."""

from playwright.async_api import Page

UP_BEFORE_THE_EVENT = """
async () => {
  const { Follower } = await import("/static/js/conversation/scroll.js");
  document.body.innerHTML = "<div><p></p></div><button></button>";
  const [scroller, content] = [document.querySelector("div"), document.querySelector("p")];
  scroller.style = "height: 100px; overflow: auto";
  const follower = new Follower(scroller, content, document.querySelector("button"));
  content.style.height = "900px";
  follower.follow();
  scroller.scrollTop = 0;
  const frame = () => new Promise((done) => requestAnimationFrame(done));
  await frame();
  await frame();
  content.style.height = "1200px";
  await frame();
  await frame();
  return scroller.scrollTop;
}
"""


async def test_a_way_up_that_is_told_together_with_a_way_down_is_not_undone(modules: Page) -> None:
    assert await modules.evaluate(UP_BEFORE_THE_EVENT) == 0
