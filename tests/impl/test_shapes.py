"""Shapes of messages: an object from outside is measured, and nothing of it is asked."""

from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from impl.common.shapes import Shapes, at_least, digest, name, several, signature, truth, value


@attrs.frozen
class Part:
    """A part of a message."""

    number: Any


@attrs.frozen
class Message:
    """A message of the toy."""

    parts: Any
    maybe: Any = None


class _Claims(type):
    """A class that says that it is whatever it is compared with."""

    def __eq__(cls, other: object) -> bool:
        raise RuntimeError("a strange class was asked")

    __hash__ = None  # type: ignore[assignment]  # as such classes may have it


class Claims(metaclass=_Claims):
    """An object of such a class."""


class Endless(tuple):  # type: ignore[type-arg]  # noqa: SLOT001 - no tuple of ours
    """A tuple that never ends."""

    def __iter__(self) -> Iterator[int]:
        while True:
            yield 1


SHAPES = Shapes[int]("the toy")
SHAPES.declare(
    {
        Part: {"number": at_least(1)},
        Message: {
            "parts": several(SHAPES.one(Part), lambda limit: limit),
            "maybe": SHAPES.one(Part, optional=True),
        },
    },
    messages=[Message],
    whole={Message: lambda _, found: "a message needs a part" if not found.parts else ""},
)


@pytest.mark.parametrize("message", [Message((Part(1),)), Message((Part(1), Part(2)), Part(7))])
def test_a_message_of_the_declared_shape_is_accepted(message: Message) -> None:
    assert SHAPES.rejection(2, message) == ""


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (Part(1), "a Part is no message of the toy"),
        (None, "a NoneType is no message of the toy"),
        (Message, "a type is no message of the toy"),
        (Claims(), "a Claims is no message of the toy"),
        (Message([Part(1)]), "parts: a list is no tuple"),
        (Message(Endless()), "parts: a Endless is no tuple"),
        (Message((Part(1),) * 3), "parts: 3 items are more than 2"),
        (Message((Part(True),)), "parts: number: a bool is no integer"),
        (Message((Part(0),)), "parts: number: the number is not from 1 to 2^62 - 1"),
        (Message((Part(1 << 62),)), "parts: number: the number is not from 1 to 2^62 - 1"),
        (Message((Part(1),), Message(())), "maybe: a Message is no Part"),
        (Message(()), "a message needs a part"),
        (object.__new__(Message), "parts is missing"),
    ],
)
def test_anything_else_is_rejected_with_the_field_at_fault(found: object, reason: str) -> None:
    assert SHAPES.rejection(2, found) == reason


@pytest.mark.parametrize(
    ("check", "good", "bad"),
    [
        (truth, True, 1),
        (name, "r0", "r" * 257),
        (name, "", b"r0"),
        (digest, "0f" * 32, "0F" * 32),
        (digest, "00" * 32, "00" * 31),
        (signature, b"", bytes(257)),
        (value, ("a", (1, None)), 0.5),
        (value, 1, "\ud800"),
    ],
)
def test_each_check_accepts_the_one_and_rejects_the_other(check: Any, good: object, bad: object) -> None:
    assert check(0, good) == ""
    assert check(0, bad) != ""
