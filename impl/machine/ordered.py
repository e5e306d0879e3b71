"""A persistent map in the order of its keys: an update makes a new map and shares most of the old one.

A state of the machine is a value: the one before an operation stays as it is. Copying a dictionary
for each operation would take time in proportion to all cases; here it is the depth of a tree. The
order is that of the keys, whatever way the map was made, so that a snapshot is a function of what is
in it.

It is a weight-balanced tree: no subtree of a node has more than `_HEAVIEST` times the weight of the other,
its size and one. The two constants are those that Hirai and Yamamoto prove to be enough for insertion and
deletion ("Balancing weight-balanced trees", Journal of Functional Programming 21, 2011).
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, Generic, Self, TypeVar

import attrs

__all__ = ["OrderedMap"]

Key = TypeVar("Key", int, str)
Value = TypeVar("Value")

#: How many times the weight of the other a subtree may have.
_HEAVIEST: Final = 3
#: An inner subtree that has so many times the weight of the outer one takes a double rotation.
_INNER: Final = 2


@attrs.frozen(eq=False)
class _Node:
    key: Any
    value: Any
    left: "_Tree"
    right: "_Tree"
    size: int


_Tree = _Node | None


@attrs.frozen(eq=False, repr=False)
class OrderedMap(Generic[Key, Value]):  # noqa: PLW1641 - a hash of all items is slow, any other is wrong
    """An immutable map. Two maps are equal if they hold the same, however they came to be.

    There is no hash of it. `OrderedMap()` is the empty one, `OrderedMap.of(items)` one with items.
    """

    _root: _Tree = None

    @classmethod
    def of(cls, items: Iterable[tuple[Key, Value]]) -> Self:
        """A map with these items; of two with the same key the later one counts."""
        root: _Tree = None
        for key, value in items:
            root = _with(root, key, value)
        return cls(root)

    @classmethod
    def of_sorted(cls, items: list[tuple[Key, Value]]) -> Self:
        """A map with these items, whose keys must be strictly increasing; faster than `of`."""
        return cls(_built(items, 0, len(items)))

    def get(self, key: Key) -> Value | None:
        """The value of a key; None if it has none. Values are never None here."""
        node = self._root
        while node is not None:
            if key == node.key:
                found: Value = node.value
                return found
            node = node.left if key < node.key else node.right
        return None

    def put(self, key: Key, value: Value) -> Self:
        """This map with another value for a key."""
        return type(self)(_with(self._root, key, value))

    def remove(self, key: Key) -> Self:
        """This map without a key, whether or not it was there."""
        return type(self)(_without(self._root, key))

    def items(self) -> Iterator[tuple[Key, Value]]:
        """Keys and values, in the order of the keys."""
        path: list[_Node] = []
        node = self._root
        while path or node is not None:
            while node is not None:
                path.append(node)
                node = node.left
            node = path.pop()
            yield node.key, node.value
            node = node.right

    def __len__(self) -> int:
        return _size(self._root)

    def __contains__(self, key: Key) -> bool:
        return self.get(key) is not None

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, OrderedMap):
            return NotImplemented
        if self._root is other._root:
            return True
        return len(self) == len(other) and list(self.items()) == list(other.items())

    def __repr__(self) -> str:
        return f"OrderedMap.of({list(self.items())!r})"


# --- trees: each function gives a balanced tree from balanced ones ------------------------------


def _size(tree: _Tree) -> int:
    return 0 if tree is None else tree.size


def _node(key: Any, value: Any, left: _Tree, right: _Tree) -> _Node:
    return _Node(key, value, left, right, _size(left) + _size(right) + 1)


def _with(tree: _Tree, key: Any, value: Any) -> _Node:
    if tree is None:
        return _Node(key, value, None, None, 1)
    if key == tree.key:
        return _Node(key, value, tree.left, tree.right, tree.size)
    if key < tree.key:
        return _balanced(tree.key, tree.value, _with(tree.left, key, value), tree.right)
    return _balanced(tree.key, tree.value, tree.left, _with(tree.right, key, value))


def _without(tree: _Tree, key: Any) -> _Tree:
    if tree is None:
        return None
    if key < tree.key:
        return _balanced(tree.key, tree.value, _without(tree.left, key), tree.right)
    if key > tree.key:
        return _balanced(tree.key, tree.value, tree.left, _without(tree.right, key))
    if tree.left is None:
        return tree.right
    if tree.right is None:
        return tree.left
    first = tree.right
    while first.left is not None:
        first = first.left
    return _balanced(first.key, first.value, tree.left, _without(tree.right, first.key))


def _balanced(key: Any, value: Any, left: _Tree, right: _Tree) -> _Node:
    """A tree of two of which one may have gained or lost one node."""
    weight_left, weight_right = _size(left) + 1, _size(right) + 1
    if right is not None and weight_right > _HEAVIEST * weight_left:
        inner, outer = right.left, right.right
        if inner is None or _size(inner) + 1 < _INNER * (_size(outer) + 1):
            return _node(right.key, right.value, _node(key, value, left, inner), outer)
        return _node(
            inner.key,
            inner.value,
            _node(key, value, left, inner.left),
            _node(right.key, right.value, inner.right, outer),
        )
    if left is not None and weight_left > _HEAVIEST * weight_right:
        outer, inner = left.left, left.right
        if inner is None or _size(inner) + 1 < _INNER * (_size(outer) + 1):
            return _node(left.key, left.value, outer, _node(key, value, inner, right))
        return _node(
            inner.key,
            inner.value,
            _node(left.key, left.value, outer, inner.left),
            _node(key, value, inner.right, right),
        )
    return _node(key, value, left, right)


def _built(items: list[tuple[Any, Any]], begin: int, end: int) -> _Tree:
    if begin == end:
        return None
    middle = (begin + end) // 2
    key, value = items[middle]
    return _node(key, value, _built(items, begin, middle), _built(items, middle + 1, end))
