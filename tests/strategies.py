"""Hypothesis strategies for TLA+ values and traces."""

from typing import Any

from hypothesis import strategies as st
from immutabledict import immutabledict

from tlacheck.trace import Origin, State, Step, Trace, Violation
from tlacheck.values import ModelValue, function

#: TLA+ has strings of printable ASCII, and the escapes of newline and tabulator.
texts = st.text(st.sampled_from([chr(code) for code in range(32, 127)] + ["\n", "\t"]), max_size=8)

identifiers = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True)

models = st.builds(ModelValue, st.from_regex(r"[a-z][0-9]", fullmatch=True))

# TLC compares members of a set with each other, and not an integer with a string. Sets and domains of
# one kind are what specs have; in Python True and 1 would even be the same member.
_atoms = [st.integers(-(2**31), 2**31 - 1), texts, models]


def _grow(smaller: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.one_of(*(st.lists(atom, unique=True, max_size=4) for atom in _atoms))
    return st.one_of(
        st.lists(smaller, max_size=4).map(tuple),
        st.one_of(*(st.frozensets(atom, max_size=4) for atom in _atoms)),
        st.frozensets(st.frozensets(models, max_size=3), max_size=3),
        st.dictionaries(identifiers, smaller, max_size=4).map(function),
        keys.flatmap(lambda found: st.tuples(*(st.tuples(st.just(key), smaller) for key in found))).map(
            function
        ),
    )


#: Any finite TLA+ value.
values = st.recursive(st.one_of(st.booleans(), *_atoms), _grow, max_leaves=8)


def states(names: list[str]) -> st.SearchStrategy[State]:
    """States of a spec with these variables."""
    return st.fixed_dictionaries(dict.fromkeys(names, values)).map(immutabledict)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Traces of a spec with one to three variables."""
    names = draw(st.lists(identifiers, unique=True, min_size=1, max_size=3))
    arguments = st.dictionaries(identifiers, values, max_size=2).map(immutabledict)
    steps = draw(st.lists(st.builds(Step, identifiers | st.just(""), arguments, states(names)), max_size=4))
    violations = st.builds(
        Violation,
        property=texts,
        step=st.none() | st.integers(0, len(steps)),
        explanation=st.lists(texts, max_size=2).map(tuple),
        expected=st.none() | states(names),
    )
    return Trace(
        initial=draw(states(names)),
        steps=tuple(steps),
        origin=draw(
            st.builds(
                Origin,
                source=texts,
                spec=texts,
                config=texts,
                engine=texts,
                command=texts,
                seed=st.none() | st.integers(0, 2**64),
                versions=st.dictionaries(identifiers, texts, max_size=2).map(immutabledict),
            )
        ),
        loop=draw(st.none() | st.integers(0, len(steps))),
        violation=draw(st.none() | violations),
    )
