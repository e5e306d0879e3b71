"""Adapters declare their actions and variables; anything missing is reported by name before a run."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from immutabledict import immutabledict

from tests.conform.toys import CALLS, oracle, run, state
from tests.conftest import Load
from tlacheck.conform.adapter import Adapter, AsyncAdapter, action, variable
from tlacheck.conform.asynchronous import Blocking
from tlacheck.conform.loading import load_system
from tlacheck.conform.replay import Interrupted, replay, replay_all
from tlacheck.conform.vocabulary import Declaration, Vocabulary, check, complaints, vocabulary_of
from tlacheck.errors import AdapterError, ConfigError
from tlacheck.tlc.parse import Parser
from tlacheck.trace import State
from tlacheck.values import Value


class Lamp(Adapter):
    """The toy counter, with one method per variable."""

    def __init__(self) -> None:
        self.total = 0

    def reset(self, initial: State) -> None:
        self.total = initial["total"]

    @action("Raise")
    def raise_by(self, by: int) -> None:
        self.total += by

    @action
    def Reset(self) -> None:  # noqa: N802 - the action's name
        self.total = 0

    @action(unused=["who"])
    def Knock(self) -> None:  # noqa: N802 - as above
        """Do nothing."""

    @variable("total")
    def counted(self) -> Value:
        return self.total

    @variable
    def odd(self) -> Value:
        return self.total % 2 == 1


@pytest.fixture(scope="module")
def parser() -> Iterator[Parser]:
    with Parser() as one:
        yield one


@pytest.fixture(scope="module")
def tally(parser: Parser) -> Vocabulary:
    return vocabulary_of(oracle().spec, parser=parser)


# --- the vocabulary of a spec


def test_the_actions_of_a_spec_are_those_it_records(tally: Vocabulary) -> None:
    """Only actions reachable from the configured next-state relation count, so not `Guess`."""
    assert tally.source == "Tally.tla"
    assert tally.variables == ("total", "odd", "event")
    assert tally.actions == {
        "Raise": (frozenset({"by"}),),
        "Reset": (frozenset(),),
        "Knock": (frozenset({"who"}),),
    }


def test_another_configuration_may_have_more_actions(load: Load, parser: Parser) -> None:
    names = vocabulary_of(load("Tally", "TallyGuess"), parser=parser).actions.keys()
    assert names == {"Raise", "Reset", "Knock", "Guess"}


def test_an_action_is_known_by_its_record_and_not_by_its_operator(load: Load, parser: Parser) -> None:
    found = vocabulary_of(load("MailEvents"), parser=parser)
    assert found.actions == {"Send": (frozenset({"from", "to"}),), "Receive": (frozenset({"letter"}),)}


def test_a_spec_without_event_has_the_actions_of_sany(load: Load, parser: Parser) -> None:
    assert vocabulary_of(load("Lamp"), parser=parser).actions == {"Switch": ()}


def test_an_action_recorded_in_a_nested_definition_is_found(parser: Parser, tmp_path: Path) -> None:
    """A record in a comment or in an unused definition does not count."""
    (tmp_path / "Deep.tla").write_text(
        """---- MODULE Deep ----
EXTENDS Naturals
VARIABLES x, event
Note(n) == event' = [action |-> "Go", far |-> [left |-> n, right |-> <<n, {n}>>], near |-> n]
Go == x' = x + 1 /\\ Note(x)  \\* event' = [action |-> "Comment"]
(* event' = [action |-> "Box (* nested *)"] *)
Init == x = 0 /\\ event = [action |-> "Init"]
Unused == x' = 0 /\\ event' = [action |-> "Unused"]
Step == x < 3 /\\ Go
Spec == Init /\\ [][Step]_<<x, event>>
====
""",
        encoding="utf-8",
    )
    (tmp_path / "Deep.cfg").write_text("SPECIFICATION Spec\n", encoding="utf-8")
    found = vocabulary_of(Load(tmp_path)("Deep"), parser=parser)
    assert found.actions == {"Go": (frozenset({"far", "near"}),)}


# --- the declarations of an adapter


def test_a_whole_adapter_fits(tally: Vocabulary) -> None:
    check(Lamp.declaration, tally)
    assert Lamp.variables == {"total", "odd"}


def _wrong() -> Declaration:
    class Wrong(Adapter):
        unobserved = ("eventual",)

        @action("Raise")
        def raise_by(self, bye: int) -> None: ...

        @action("Knok")
        def knock(self, who: Value) -> None: ...

        @action("Raise")
        def twice(self, by: int) -> None: ...

        @variable("totl")
        def counted(self) -> Value: ...

    return Wrong.declaration


def test_all_mismatches_are_reported_at_once_by_name(tally: Vocabulary) -> None:
    """Otherwise fixing an adapter would take one start of TLC per mismatch."""
    with pytest.raises(AdapterError) as caught:
        check(_wrong(), tally)
    assert str(caught.value).splitlines() == [
        "Wrong does not fit Tally.tla; 7 things do not:",
        "  - the action Raise is performed by raise_by and by twice; take one",
        "  - it declares the action Knok (Wrong.knock), which Tally.tla has not; did you mean Knock?",
        "  - nothing performs the action Knock(who); did you mean Knok?",
        "  - nothing performs the action Reset()",
        "  - it shows the variable totl, which Tally.tla has not; did you mean total?",
        "  - nothing shows the variable odd: declare what observes it, or name it in `unobserved`",
        (
            "  - nothing shows the variable total: declare what observes it, or name it in `unobserved`; "
            "did you mean totl?"
        ),
    ]


def test_wrong_missing_and_extra_arguments_are_distinguished(tally: Vocabulary) -> None:
    class Wrong(Lamp):
        def raise_by(self, bye: int) -> None: ...

        @action
        def Reset(self, how: Value) -> None: ...  # type: ignore[override] # noqa: N802 - as above

        @action("Knock")
        def Knock(self) -> None: ...  # noqa: N802 - the action's name

    assert complaints(Wrong.declaration, tally) == (
        "Wrong.Knock, for the action Knock, does not take the argument who, which the spec gives",
        (
            "Wrong.raise_by, for the action Raise, needs an argument bye, and the spec gives by; "
            "did you mean by?"
        ),
        "Wrong.raise_by, for the action Raise, does not take the argument by, which the spec gives",
        "Wrong.Reset, for the action Reset, needs an argument how, and the spec gives no arguments",
    )


def test_only_a_variable_declared_unobserved_may_be_missing(tally: Vocabulary) -> None:
    class Half(Lamp):
        unobserved = {"odd": "the lamp is broken"}  # noqa: RUF012 - as a reader would write it

        odd = None  # type: ignore[assignment] # not shown any more

    assert complaints(Half.declaration, tally) == ()
    assert Half.variables == {"total"}
    assert replay(run(*CALLS), Half()).violation is None

    class Both(Lamp):
        unobserved = ("odd",)

    assert complaints(Both.declaration, tally) == ("it shows the variable odd, though it is in `unobserved`",)


def test_only_the_actions_that_a_trace_takes_must_fit() -> None:
    class Knocks(Lamp):
        @action("Sing")
        def sing(self) -> None: ...

    used = Vocabulary.of_traces([run(*CALLS)])
    assert complaints(Knocks.declaration, used) == ()
    assert "nothing performs the action Knock(who); did you mean Knok?" in complaints(
        _wrong(), Vocabulary.of_traces([run(CALLS[0])])
    )


# --- running an adapter


def test_a_declared_system_follows_the_spec() -> None:
    found = replay(run(*CALLS), Lamp())
    assert found.violation is None
    assert found.states == tuple(map(state, (0, 0, 1, 2, 0, 2)))


def test_a_subclass_overrides_a_method_without_declaring_it_again() -> None:
    class Wrong(Lamp):
        def raise_by(self, by: int) -> None:
            self.total += by + 1

    violation = replay(run(*CALLS), Wrong()).violation
    assert violation is not None
    assert violation.step == 2


def test_one_method_may_perform_several_actions_and_show_several_variables() -> None:
    class Compact(Lamp):
        @action("Reset", "Restart")
        def Reset(self) -> None:  # noqa: N802 - the action's name
            self.total = 0

        counted = odd = None  # type: ignore[assignment] # shown by another method

        @variable("total", "odd")
        def both(self) -> State:
            return immutabledict(total=self.total, odd=self.total % 2 == 1)

    assert {"Reset", "Restart"} <= Compact.declaration.actions.keys()
    assert replay(run(*CALLS), Compact()).violation is None


def test_a_method_may_take_arbitrary_arguments() -> None:
    class Open(Lamp):
        @action("Raise")
        def raise_by(self, **given: Any) -> None:  # type: ignore[override] # whatever there is
            self.total += given["by"]

    assert replay(run(*CALLS), Open()).violation is None


def test_unknown_actions_and_arguments_are_adapter_errors() -> None:
    lamp = Lamp()
    with pytest.raises(AdapterError, match=r"Lamp has no method for the action 'Dance': decorate .* @action"):
        lamp.perform("Dance", {})
    with pytest.raises(
        AdapterError, match=r"Lamp.raise_by performs Raise with the arguments by, and the step has how"
    ):
        lamp.perform("Raise", {"how": 1})

    class Deaf(Lamp):
        Knock = None  # type: ignore[assignment] # not performed any more

    with pytest.raises(
        Interrupted, match="step 3, Knock: Deaf has no method for the action 'Knock'"
    ) as caught:
        replay(run(("Raise", {"by": 1}), ("Raise", {"by": 2}), CALLS[0]), Deaf())
    assert (caught.value.step, len(caught.value.trace)) == (3, 2)
    assert caught.value.trace.states == (state(0), state(1), state(3))


def test_an_adapter_without_reset_is_refused() -> None:
    class Bare(Adapter):
        @variable
        def total(self) -> Value: ...

    with pytest.raises(
        AdapterError, match=r"Bare has no reset\(initial\): write what starts the system afresh"
    ):
        replay(run(*CALLS), Bare())


# --- asynchronous ones


class AsyncLamp(AsyncAdapter):
    """The toy with a background task that must make progress while a step awaits."""

    def __init__(self) -> None:
        self.total = 0
        self.orders: asyncio.Queue[int] = asyncio.Queue()
        self.clerk: asyncio.Task[None] | None = None

    async def reset(self, initial: State) -> None:
        self.total = initial["total"]
        if self.clerk is None:
            self.clerk = asyncio.create_task(self._serve())

    async def _serve(self) -> None:
        while True:
            by = await self.orders.get()
            self.total += by
            self.orders.task_done()

    @action("Raise")
    async def raise_by(self, by: int) -> None:
        await self.orders.put(by)
        await self.orders.join()

    @action("Reset")
    def back(self) -> Any:
        self.total = 0

    @action("Knock", unused=["who"])
    async def knock(self) -> None:
        await asyncio.sleep(0)

    @variable("total", "odd")
    async def shown(self) -> State:
        return immutabledict(total=self.total, odd=self.total % 2 == 1)


def test_an_asynchronous_system_follows_the_spec(tally: Vocabulary) -> None:
    with Blocking(AsyncLamp) as system:
        check(system.declaration, tally)
        assert replay(run(*CALLS), system).violation is None
        assert replay(run(*CALLS), system).violation is None


def test_an_asynchronous_system_works_inside_a_running_loop() -> None:
    async def drive() -> None:
        with Blocking(AsyncLamp) as system:
            assert replay(run(*CALLS), system).violation is None

    asyncio.run(drive())


@pytest.mark.parametrize("how", ["waits", "computes"])
def test_a_hanging_step_is_reported_with_the_run_so_far(how: str) -> None:
    class Hangs(AsyncLamp):
        @action("Reset")
        async def back(self) -> None:
            if how == "waits":
                await asyncio.Event().wait()
            time.sleep(2.5)  # noqa: ASYNC251 - it computes, and does not let others run

    with Blocking(Hangs, limit_seconds=1.0) as system:
        found = replay(run(*CALLS), system)
        assert found.violation is not None
        assert found.violation.explanation[0].startswith(
            "the spec takes Reset, the system cannot: it has not come back after 1 s"
        )
        assert len(found) == found.violation.step == 4
        assert found.states[3] == state(2)
        again = replay(run(*CALLS), system).violation
        assert again is not None
        assert "it hung before" in again.explanation[0]


def test_an_exception_of_an_asynchronous_system_is_a_finding() -> None:
    class Raises(AsyncLamp):
        @action("Reset")
        async def back(self) -> None:
            raise TimeoutError("no news from the clerk")

    with Blocking(Raises) as system:
        violation = replay(run(*CALLS), system).violation
    assert violation is not None
    assert "it raised TimeoutError: no news from the clerk (test_adapter.py:" in violation.explanation[0]


# --- by name


def test_a_system_is_found_by_the_name_of_its_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "found_by_name.py").write_text(
        "from tlacheck.conform.adapter import AsyncAdapter\n"
        "class Box:\n    class Inner:\n        pass\n"
        "class Waits(AsyncAdapter):\n    pass\n"
        "def needs(size, *, more=1): pass\n"
        "number = 3\n",
        encoding="utf-8",
    )
    (tmp_path / "breaks.py").write_text("raise ValueError('no such luck')\n", encoding="utf-8")
    (tmp_path / "lacks.py").write_text("import no_such_module_at_all\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["elsewhere"])
    assert type(load_system("found_by_name:Box.Inner")()).__name__ == "Inner"
    system = load_system("found_by_name:Waits")()
    assert isinstance(system, Blocking)
    system.close()
    for text, message in {
        "found_by_name": "names no system: write it as package.module:Name",
        "found_by_name:": "names no system",
        "found_by_name:Bax": "found_by_name has no Bax; did you mean Box",
        "found_by_name:number": "is a int, which cannot be called",
        "found_by_name:needs": "cannot be called without arguments, it needs size",
        "nowhere:Box": "there is no module nowhere here",
        "breaks:Box": "importing breaks raised ValueError: no such luck",
        "lacks:Box": "lacks imports no_such_module_at_all, which is not installed",
    }.items():
        with pytest.raises(ConfigError, match=message):
            load_system(text)


def test_one_system_is_reset_between_traces() -> None:
    made: list[Lamp] = []

    def make() -> Lamp:
        made.append(Lamp())
        return made[-1]

    found = replay_all([run(*CALLS), run(*CALLS[:2])], make)
    assert (found.traces, found.steps, found.violation, len(made)) == (2, 7, None, 1)
    assert found.actions == {"Knock": 2, "Raise": 4, "Reset": 1}


def test_a_failure_of_a_reused_system_only_is_no_finding() -> None:
    class Remembers(Lamp):
        def reset(self, initial: State) -> None:
            """Do nothing."""

    with pytest.raises(
        Interrupted, match=r"a fresh system follows the trace, .* reset\(\) leaves something behind"
    ):
        replay_all([run(*CALLS), run(*CALLS)], Remembers)


def test_the_first_diverging_trace_ends_the_replay() -> None:
    class Wrong(Lamp):
        def raise_by(self, by: int) -> None:
            self.total += min(by, 1)

    good, bad = run(*CALLS[:2]), run(*CALLS)
    found = replay_all([good, bad, good], Wrong)
    assert found.traces == 2
    assert found.followed == bad
    assert found.violation is not None
    assert found.violation.violation is not None
    assert found.violation.violation.step == 5
