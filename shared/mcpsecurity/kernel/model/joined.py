"""Text that comes in pieces, which may end in the middle of a character."""


class Joined:
    """Text in pieces; a piece may end in the middle of a character."""

    def __init__(self) -> None:
        self.any = self.taken = False
        self._held = ""
        self._fresh: list[str] = []

    def add(self, piece: str) -> None:
        """Add a piece; half a surrogate pair at its end waits for its other half."""
        if not piece:
            return
        self.any = True
        if piece.isascii() and not self._held:
            self._fresh.append(piece)
            return
        text, self._held = self._held + piece, ""
        if "\ud800" <= text[-1] <= "\udbff":
            text, self._held = text[:-1], text[-1]
        self._fresh.append(whole_characters(text))

    def end(self) -> None:
        """Nothing more comes."""
        held, self._held = self._held, ""
        self._fresh.append(whole_characters(held))

    def take(self) -> str:
        """Return the text since the last call."""
        fresh, self._fresh = "".join(self._fresh), []
        self.taken = self.taken or bool(fresh)
        return fresh

    def forget(self) -> None:
        """Drop the text so far: it belongs elsewhere."""
        self.any, self._held, self._fresh = False, "", []


def whole_characters(text: str) -> str:
    """Return text with surrogate pairs joined, and U+FFFD for half a pair."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
