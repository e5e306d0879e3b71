"""The description of a ballot, the same for all participants."""

import attrs

from impl import quorum
from impl.common.encoding import rejection_of
from impl.common.identities import NodeId
from impl.common.keys import Keys

__all__ = ["Ballot", "InvalidBallot"]


class InvalidBallot(ValueError):
    """The operator described a ballot that cannot be.

    Usual causes: too few voters for the liars to be tolerated (it takes 3f + 1), a voter named twice, an
    empty name.
    """


def _greatest_f(ballot: "Ballot") -> int:
    return quorum.byzantine_faults_tolerated_formula(len(ballot.voters)) if ballot.voters else 0


@attrs.frozen
class Ballot:
    """One question to some voters, the same for all but for the keys.

    Attributes:
        name: which one; best with the digest of what is voted on.
        voters: all who may vote.
        keys: the public keys of the voters and, for a voter, its secret one; not compared.
        f: how many of them may lie or be silent; the greatest number that n tolerates unless given.

    Raises:
        InvalidBallot: if there are not more than 3f voters, one is named twice, or a name cannot be signed.
    """

    name: str
    voters: tuple[NodeId, ...]
    keys: Keys = attrs.field(eq=False, repr=False)
    f: int = attrs.field(default=attrs.Factory(_greatest_f, takes_self=True))

    def __attrs_post_init__(self) -> None:
        if not self.name or rejection_of(self.name):
            raise InvalidBallot(f"a ballot is named {self.name!r}: use a text that says what is voted on")
        if len(set(self.voters)) < len(self.voters) or not self.voters:
            raise InvalidBallot(f"voters are {self.voters}: name each once, and at least one")
        if self.f < 0:
            raise InvalidBallot(f"f is {self.f}: a count of liars starts at 0")
        if self.n < (needed := quorum.byzantine_nodes_needed(self.f)):
            raise InvalidBallot(
                f"{self.n} voters cannot tolerate f = {self.f} liars: it takes {needed}. "
                f"Add {needed - self.n}, or allow for f = {quorum.byzantine_faults_tolerated(self.n)} at "
                "most"
            )

    @property
    def n(self) -> int:
        """The number of voters."""
        return len(self.voters)

    @property
    def quorum(self) -> int:
        """The size of a quorum: any two share a correct voter. 3 of 4, 5 of 7, 7 of 10."""
        return quorum.byzantine_quorum(self.n, self.f)
