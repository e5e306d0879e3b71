"""Evidence against PBFT replicas: convicting and harmless messages, JSON, and search among messages."""

import json
import random
from collections.abc import Iterable
from typing import Any

import attrs
import pytest

from impl.common.ed25519 import Ed25519Keys, public_key
from impl.guard import (
    Evidence,
    NotEvidence,
    Offence,
    evidence_of,
    from_json,
    held_by,
    offence,
    search,
    to_json,
    verify,
)
from impl.guard import evidence as rules_of_evidence
from impl.pbft import (
    NULL_BATCH,
    Config,
    Diverged,
    Message,
    Node,
    Propose,
    Reply,
    Retransmit,
    Send,
    StateRequest,
    StateResponse,
    SymbolicKeys,
    Timeout,
    signed,
)
from tests.impl.pbft_nodes import (
    Cluster,
    Disagreement,
    X,
    Y,
    batch,
    certificate,
    changed,
    checkpoint,
    checkpoint_certificate,
    commit,
    config,
    names,
    new_view,
    only,
    pre_prepare,
    prepare,
    replica,
    state_after,
    taken,
    view_change,
)

CONFIG = config("r2")


def response(source: str, *, state: Any = None, proof: Any = None) -> StateResponse:
    checkpointed = proof or checkpoint_certificate(X, Y)
    said = StateResponse(checkpoint=checkpointed, state=state or state_after(X, Y), source=source)
    return signed(said, SymbolicKeys(source))


def changes(*certificates: Any, view: int = 1) -> list[Any]:
    return [view_change(source, *certificates, view=view) for source in ("r0", "r1", "r2")]


E, C, U, F = Offence.EQUIVOCATION, Offence.CONCEALMENT, Offence.USURPATION, Offence.FALSE_PROOF

#: Signed messages that prove an offence.
CONVICTING: dict[str, tuple[Offence, tuple[Message, ...]]] = {
    "two proposals": (E, (pre_prepare(X), pre_prepare(Y))),
    "two prepares": (E, (prepare(X, "r1"), prepare(Y, "r1"))),
    "two commits": (E, (commit(X, "r1"), commit(Y, "r1"))),
    "a prepare and a commit for something else": (E, (prepare(X, "r1"), commit(Y, "r1"))),
    "a proposal and a commit for something else": (E, (pre_prepare(X), commit(Y, "r0"))),
    "two checkpoints": (E, (checkpoint("r1", X, Y), checkpoint("r1", Y, X))),
    "two view changes": (E, (view_change("r1"), view_change("r1", certificate(X)))),
    "two new views": (E,
        (new_view(changes()), new_view([view_change(name) for name in ("r1", "r2", "r3")]))),
    "a commit and nothing told of it": (C, (commit(X, "r1"), view_change("r1"))),
    "a commit and another number told of": (C, (commit(X, "r1"), view_change("r1", certificate(X, seq=2)))),
    "a commit and an earlier certificate": (C,
        (commit(X, "r3", view=1), view_change("r3", certificate(X), view=2))),
    "a commit and another batch of that view": (C, (commit(Y, "r1"), view_change("r1", certificate(X)))),
    "a proposal of who is no primary": (U, (pre_prepare(X, source="r1"),)),
    "nothing proposed in view 0": (U, (pre_prepare(NULL_BATCH),)),
    "a prepare of the primary": (U, (prepare(X, "r0"),)),
    "a new view of who is no primary": (U, (new_view(changes(), source="r3"),)),
    "a certificate with too few votes": (F, (view_change("r1", certificate(X, voters=["r1"])),)),
    "a certificate of the view that is wanted": (F, (view_change("r1", certificate(X, view=1)),)),
    "a checkpoint of too few": (F,
        (view_change("r1", stable=checkpoint_certificate(X, Y, sources=("r0", "r1"))),)),
    "a new view that leaves out what was prepared": (F, (new_view(changes(certificate(X))),)),
    "a new view of too few": (F, (new_view(changes()[:2]),)),
    "a state that is another one": (F, (response("r1", state=state_after(Y, X)),)),
    "a state without proof": (F, (response("r1", proof=checkpoint_certificate(X, Y, sources=("r0",))),)),
}  # fmt: skip

#: Messages that a correct replica may sign, or that are no votes.
HARMLESS: dict[str, tuple[Message, ...]] = {
    "the same twice": (prepare(X, "r1"), prepare(X, "r1")),
    "two views": (prepare(X, "r2"), prepare(Y, "r2", view=1)),
    "two numbers": (commit(X, "r1"), commit(Y, "r1", seq=2)),
    "a prepare and its commit": (prepare(X, "r1"), commit(X, "r1")),
    "two checkpoints at two numbers": (checkpoint("r1", X, Y), checkpoint("r1", X, seq=4)),
    "view changes to two views": (view_change("r1"), view_change("r1", certificate(X), view=2)),
    "a commit that is told of": (commit(X, "r1"), view_change("r1", certificate(X))),
    "a commit that a later certificate replaced": (commit(X, "r3"),
        view_change("r3", certificate(Y, view=1), view=2)),
    "a commit behind the stable checkpoint": (commit(X, "r1"),
        view_change("r1", stable=checkpoint_certificate(X, Y))),
    "a commit of the view that was wanted": (commit(X, "r1", view=1), view_change("r1")),
    "a commit of a later view": (commit(X, "r1", view=2), view_change("r1")),
    "a vote for who knows what": (prepare(batch("z"), "r1", view=3, seq=4),),
    "nothing proposed in a later view": (pre_prepare(NULL_BATCH, view=1, source="r1"),),
    "a new view as it should be": (new_view(changes(certificate(X)), (1, X)),),
    "a state as it should be": (response("r1"),),
    "a request without its client's signature": (pre_prepare((changed(X[0], signature=b""),)),),
    "a checkpoint where none is made": (checkpoint("r1", X, seq=3),),
    "two replies": tuple(
        signed(Reply(view=0, client="c", timestamp=1, result=result, source="r1"), SymbolicKeys("r1"))
        for result in (1, 2)),
    "a question for a state": (signed(StateRequest(seq=9, source="r1"), SymbolicKeys("r1")),),
}  # fmt: skip

each_convicting = pytest.mark.parametrize(
    ("offending", "messages"), CONVICTING.values(), ids=CONVICTING.keys()
)


def _source(messages: tuple[Any, ...]) -> str:
    return str(messages[0].source)


@each_convicting
def test_messages_no_correct_replica_signs_convict_their_signer(
    offending: Offence, messages: tuple[Message, ...]
) -> None:
    found = evidence_of(CONFIG, *messages)
    assert found is not None
    assert found.accused == _source(messages)
    assert offence(found.messages, CONFIG) is offending


@each_convicting
def test_evidence_is_the_same_for_every_judge_and_order(
    offending: Offence, messages: tuple[Message, ...]
) -> None:
    assert offending in Offence
    assert len({evidence_of(config(name), *messages[::way]) for name in names(4) for way in (1, -1)}) == 1


@pytest.mark.parametrize("messages", HARMLESS.values(), ids=HARMLESS.keys())
def test_messages_a_correct_replica_may_sign_convict_nobody(messages: tuple[Message, ...]) -> None:
    assert evidence_of(CONFIG, *messages) is None
    assert (
        verify(Evidence(accused=_source(messages), messages=messages), CONFIG)
        == "a correct replica may sign that"
    )


@each_convicting
def test_nobody_is_convicted_by_another_signers_messages(
    offending: Offence, messages: tuple[Message, ...]
) -> None:
    """Neither by naming another replica, nor by changing a field, nor with another's signature."""
    assert offending in Offence
    other = "r3" if _source(messages) != "r3" else "r1"
    assert verify(Evidence(accused=other, messages=messages), CONFIG) == f"a message is not of {other!r}"
    renamed = tuple(changed(each, source=other) for each in messages)
    for forged in (
        renamed,
        tuple(signed(each, SymbolicKeys("r9")) for each in renamed),
        tuple(signed(each, SymbolicKeys(_source(messages))) for each in renamed),
        (*renamed[:-1], changed(messages[-1], source=other, signature=b"")),
    ):
        assert "signature" in verify(Evidence(accused=other, messages=forged), CONFIG)


@each_convicting
def test_evidence_with_a_signature_stripped_convicts_nobody(
    offending: Offence, messages: tuple[Message, ...]
) -> None:
    assert offending in Offence
    for place in range(len(messages)):
        stripped = [*messages]
        stripped[place] = changed(messages[place], signature=b"")
        assert evidence_of(CONFIG, *stripped) is None


@each_convicting
def test_evidence_does_not_convict_without_its_rule(
    offending: Offence, messages: tuple[Message, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = {E: "contradict", C: "conceals", U: "is_usurped", F: "proof_flaw"}[offending]
    monkeypatch.setattr(rules_of_evidence, name, lambda *_: False)
    found = evidence_of(CONFIG, *messages)
    assert found is None or offence(found.messages, CONFIG) is not offending


def test_ed25519_evidence_can_be_judged_with_public_keys_alone() -> None:
    seeds = {name: bytes([number]) * 32 for number, name in enumerate(names(4))}
    public = {name: public_key(seed) for name, seed in seeds.items()}
    liar = Ed25519Keys(seeds["r1"], public)
    two = [signed(changed(prepare(value, "r1"), signature=b""), liar) for value in (X, Y)]
    judge = Config("r3", names(4), Ed25519Keys(seeds["r3"], public), window=4, interval=2)
    found = evidence_of(judge, *two)
    assert found is not None
    assert verify(from_json(to_json(found)), judge) == ""
    framed = attrs.evolve(found, accused="r2", messages=tuple(changed(each, source="r2") for each in two))
    assert "signature" in verify(framed, judge)


def test_beyond_f_faults_a_correct_replica_may_be_convicted() -> None:
    """The documented limit: it offers its own state after a Byzantine quorum signed another."""
    votes: list[Message] = []
    for seq, value in ((1, X), (2, Y)):
        votes.append(pre_prepare(value, seq=seq))
        votes += [prepare(value, name, seq=seq) for name in ("r1", "r3")]
        votes += [commit(value, name, seq=seq) for name in ("r0", "r1", "r3")]
    lies = [checkpoint(name, Y, X) for name in ("r0", "r1", "r3")]
    asked = signed(StateRequest(seq=1, source="r1"), SymbolicKeys("r1"))
    _, effects = taken(replica("r2"), *votes, *lies, Retransmit(), asked)
    assert only(effects, Diverged)
    said = [effect.message for effect in only(effects, Send)]
    (found,) = search(CONFIG, said)
    assert (found.accused, offence(found.messages, CONFIG)) == ("r2", F)
    assert [type(message) for message in found.messages] == [StateResponse]
    assert search(CONFIG, [each for each in said if type(each) is not StateResponse]) == ()


# --- as JSON ------------------------------------------------------------------------------------


@each_convicting
def test_evidence_survives_a_json_round_trip(offending: Offence, messages: tuple[Message, ...]) -> None:
    assert offending in Offence
    found = evidence_of(CONFIG, *messages)
    assert found is not None
    text = to_json(found)
    assert from_json(text) == found
    assert to_json(from_json(text)) == text
    assert json.loads(text).keys() == {"Evidence"}


@pytest.mark.parametrize(
    "text",
    [
        "", "null", "[]", "1.5", "NaN", '{"Evidence":{}}',
        '{"Evidence":{"accused":"r1","messages":[],"more":1}}', '{"Evidence":[1]}',
        '{"Evidence":{"accused":"r1","messages":[1e9]}}',
        '{"Evidence":{"accused":"r1","messages":[{"bytes":"zz"}]}}',
        '{"Evidence":{"accused":"r1","messages":[{"Config":{}}]}}',
        '{"Evidence":{"accused":"r1","messages":[{"a":1,"b":2}]}}', '{"bytes":"00"}', "[" * 100_000,
        "9" * 10_000,
    ],
    ids=range(15),
)  # fmt: skip
def test_a_text_without_evidence_is_refused(text: str) -> None:
    with pytest.raises(NotEvidence):
        from_json(text)


@pytest.mark.parametrize("seed", range(3))
def test_tampered_evidence_is_refused_or_convicts_nobody_else(seed: int) -> None:
    draw = random.Random(seed)
    texts = [to_json(Evidence(accused=_source(said), messages=said)) for _, said in CONVICTING.values()]
    for _ in range(300):
        text = draw.choice(texts)
        place = draw.randrange(len(text))
        text = text[:place] + draw.choice('0a9"{}[],:r123') + text[place + draw.randrange(2) :]
        try:
            found = from_json(text)
        except NotEvidence:
            continue
        if not verify(found, CONFIG):
            assert all(getattr(each, "source", None) == found.accused for each in found.messages)
            assert to_json(found) in texts


# --- side by side -------------------------------------------------------------------------------


@attrs.define
class Run:
    """A cluster on a bad network, some of whose replicas run in two copies.

    Attributes:
        correct: the replicas that run in one.
        received: all messages that these received.
        is_divided: whether they disagreed.
    """

    correct: list[Node]
    received: list[Message]
    is_divided: bool

    def convicted(self, messages: Iterable[Message]) -> set[str]:
        """The replicas that these messages convict."""
        return {found.accused for found in search(CONFIG, messages)}

    def held(self) -> set[str]:
        """The replicas that messages still held by correct ones convict."""
        return self.convicted(each for node in self.correct for each in held_by(node))


def _run(seed: int, *, n: int = 4, twins: tuple[str, ...] = (), steps: int = 400) -> Run:
    draw, received, is_divided = random.Random(seed), [], False
    cluster = Cluster.of(n, seed=seed)
    cluster.nodes.update({f"{twin}'": cluster.nodes[twin] for twin in twins})
    try:
        for number in range(steps):
            name, kind = draw.choice(list(cluster.nodes)), draw.random()
            if kind < 0.08:
                for primary in [each for each, node in cluster.nodes.items() if node.is_primary]:
                    cluster.take(primary, Propose(batch(f"{number} {primary}")))
            elif kind < 0.10:
                cluster.take(name, Timeout())
            elif kind < 0.105:
                cluster.restart(name)
            elif cluster.in_flight:
                to, message = cluster.in_flight.pop(draw.randrange(len(cluster.in_flight)))
                if draw.random() < 0.97:
                    if not {to, to.removesuffix("'")} & set(twins):
                        received.append(message)
                    cluster.take(to, message)
    except Disagreement:
        is_divided = True
    correct = [node for node in cluster.nodes.values() if node.name not in twins]
    return Run(correct, received, is_divided)


@pytest.mark.parametrize("seed", range(4))
def test_honest_runs_convict_nobody(seed: int) -> None:
    run = _run(seed)
    assert run.held() | run.convicted(run.received) == set()


def test_only_a_duplicated_replica_is_convicted() -> None:
    found = [_run(seed, twins=("r0",), steps=200).held() for seed in range(5)]
    assert all(each <= {"r0"} for each in found)
    assert {"r0"} in found


def test_after_a_disagreement_received_messages_convict_f_plus_one() -> None:
    """Two twins of four can divide the others, and are then exposed (Sheng et al., 4)."""
    divided = [run for run in (_run(seed, twins=("r0", "r1")) for seed in range(14)) if run.is_divided]
    assert divided
    assert all(run.convicted(run.received) == {"r0", "r1"} for run in divided)
    assert all(set() < run.held() <= {"r0", "r1"} for run in divided)


def test_a_concealed_commit_is_found_among_held_messages() -> None:
    node = replica("r2")
    held: list[Any] = [prepare(X, "r1"), commit(X, "r1"), view_change("r1"), commit(X, "r0"), object(), None]
    (found,) = search(node.config, held)
    assert (found.accused, offence(found.messages, CONFIG)) == ("r1", C)


def test_nested_messages_convict_as_well() -> None:
    """Two certificates of one view for two batches expose the replicas that voted for both."""
    told = [view_change("r2", certificate(X)), view_change("r3", certificate(Y, voters=["r1", "r3"]))]
    assert {each.accused for each in search(CONFIG, told)} == {"r0", "r1"}
