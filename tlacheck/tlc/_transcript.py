"""The transcript of a run: all of TLC's messages, except those that a spec can make endless.

A spec may print in every state, and with `continue` every state may violate an invariant. A bounded
part of both is kept, and the rest is counted.
"""

import attrs

from tlacheck.tlc._protocol import VIOLATIONS, Kind, Message

__all__ = ["PRINTED_LINES_MAX", "VIOLATIONS_MAX", "Transcript"]

#: The most prints of the spec that are kept, and the most characters of one.
PRINTED_LINES_MAX = 1000
_PRINTED_CHARACTERS_MAX = 10_000
#: The most violations kept.
VIOLATIONS_MAX = 100

_PARSER_DONE = 2219
#: The companions of a violation: the announcement of its behaviour, and the states.
_BEHAVIOUR = frozenset({2121, 2216, 2217, 2218, 2122, 2264})
#: Violations that a run may meet over and over. The others end it.
_REPEATABLE = frozenset({2107, 2110, 2112})


@attrs.define
class Transcript:
    """Takes the messages of one run, one after another.

    Attributes:
        messages: those that are kept, in order.
        printed_dropped: how many prints of the spec are not kept.
        violations_dropped: how many violations are not kept.
    """

    messages: list[Message] = attrs.field(factory=list)
    printed_dropped: int = 0
    violations_dropped: int = 0
    _printed: int = attrs.field(default=0, init=False)
    _violations: int = attrs.field(default=0, init=False)
    _is_parsed: bool = attrs.field(default=False, init=False)
    _is_dropping: bool = attrs.field(default=False, init=False)

    def take(self, message: Message) -> None:
        """Keep the message, or count it."""
        if message.code is None and self._is_parsed:
            self._take_printed(message)
        elif message.code is None or not self._is_dropped(message.code):
            self.messages.append(message)
        self._is_parsed = self._is_parsed or message.code == _PARSER_DONE

    def last(self, code: int) -> str | None:
        """Return the text of the last message of this kind; None if there is none yet."""
        return next((message.text for message in reversed(self.messages) if message.code == code), None)

    def _take_printed(self, message: Message) -> None:
        if self._printed == PRINTED_LINES_MAX:
            self.printed_dropped += 1
            return
        self._printed += 1
        more = len(message.text) - _PRINTED_CHARACTERS_MAX
        if more > 0:
            text = f"{message.text[:_PRINTED_CHARACTERS_MAX]}… ({more:,} more characters)"
            message = Message(None, Kind.INFORMATION, text)
        self.messages.append(message)

    def _is_dropped(self, code: int) -> bool:
        if code in VIOLATIONS:
            self._violations += 1
            self._is_dropping = self._violations > VIOLATIONS_MAX and code in _REPEATABLE
            self.violations_dropped += self._is_dropping
        elif code not in _BEHAVIOUR:
            self._is_dropping = False
        return self._is_dropping
