"""Implicit Byzantine messages: the model that stores them explicitly has the same states.

`tlacheck verify` compares them with a view change as well, which takes longer.
"""

from pathlib import Path
from typing import Final

import pytest

from property_tests.pbft.reduction import Listing, States, compared, plain, reduced
from tlacheck.errors import ConfigError
from tlacheck.verdict import Kind

pytestmark = pytest.mark.sweep

#: A Byzantine primary with two requests, and no other view.
_CONFIG: Final = "plain_primary.cfg"


@pytest.fixture(scope="module")
def states() -> States:
    return States()


@pytest.fixture(scope="module")
def many(states: States, tmp_path_factory: pytest.TempPathFactory) -> Listing:
    """The model with all messages of Byzantine replicas."""
    return Listing.of(plain(_CONFIG, tmp_path_factory.mktemp("plain")), states)


@pytest.fixture(scope="module")
def few(states: States, tmp_path_factory: pytest.TempPathFactory) -> Listing:
    """The same without them."""
    return Listing.of(reduced(_CONFIG, tmp_path_factory.mktemp("reduced")), states)


def test_implicit_byzantine_messages_keep_states_and_steps(many: Listing, few: Listing) -> None:
    """Castro and Liskov, 2: a faulty replica does anything but sign for others."""
    assert many.verdict.kind is few.verdict.kind is Kind.EXHAUSTED
    assert compared(many, few).is_same
    assert many.nodes > 20 * few.nodes  # the messages are there
    assert few.nodes == len(few.states) > 400
    assert len(few.steps) > 800


def test_forged_signatures_reach_more_states(many: Listing, states: States, tmp_path: Path) -> None:
    """With implicit votes of correct replicas the reduced model would be another protocol."""
    forged = Listing.of(reduced(_CONFIG, tmp_path, change={"AnythingIsSaid": "Said"}), states)
    found = compared(many, forged)
    assert found.reduced_only
    assert not found.plain_only


def test_byzantine_replicas_without_equivocation_reach_fewer_states(
    few: Listing, states: States, tmp_path: Path
) -> None:
    """With weaker Byzantine replicas the plain model would prove nothing about the reduced one."""
    honest = Listing.of(plain(_CONFIG, tmp_path, change={"ConsistentProposals": "Proposals"}), states)
    found = compared(honest, few)
    assert found.reduced_only
    assert not found.plain_only


def test_a_difference_is_shown_as_a_state(many: Listing, states: States) -> None:
    assert "messages |-> {}" in states.shown(min(many.states))


def test_a_configuration_of_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"smoke\.cfg is no configuration"):
        plain("smoke.cfg", tmp_path)
