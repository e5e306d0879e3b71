"""Byzantine voting as two pure cores: `voter.step` and `counter.step`, each `(state, input) -> (state, effects)`. VOTE-1..3.

Theory of operation. A `Ballot` is one question to n voters, of whom up to f may be liars or silent, n > 3f. It ends in
APPROVE or in REJECT, the same at whoever counts, or goes on: no consensus, another round.

A **round** has two phases. Each voter signs one `Vote`. A quorum of votes of one round for one choice is a
`Certificate`; two of one round share a correct voter, and so are for one choice. Who sees a certificate of its round
signs a `Confirm`, and is locked on it. A quorum of confirmations of one round for one choice is the `Verdict`.

**Another round.** A voter that gives up a round signs a `Retry`: it votes and confirms nothing any more in that round or
before, and here is the last certificate that it confirmed, its lock. A quorum of these is an `Opening` of the next
round. If it tells of locks, all vote for the choice of the latest one; if of none, as they like. So a verdict stays:
the quorum that confirmed it and the quorum of any opening share a correct voter, which confirmed before it gave up,
and tells of it. That is the view change of PBFT; one phase would be enough only with more than 5f voters
(`models.vote`, claim `votes-alone-carry-over`).

**Counters** are messengers. There may be any number, they need not know of each other, and nobody has to trust one:
certificates, openings and verdicts are made of signed statements and prove themselves (`flaw`). A counter never waits
for more than n - f voters: then it says `NoConsensus`, of what it has; a certificate may still come about until the
voters give up the round. Who signs two different statements of one kind in one round is convicted by them
(`Equivocation`), reported, and no longer counted; certificates with its votes stand all the same, since quorums meet
in a correct voter whatever liars sign.

| host sees                                       | input                       | action in specs/vote/Vote.tla |
|-------------------------------------------------|-----------------------------|-------------------------------|
| of a voter: its reviewer has come to an opinion, or `Entered` says what it must vote for | `Cast(choice)` | `Vote(i, c)` |
| a certificate arrived                           | `Receive(Certificate)`      | `Confirm(i, c)`               |
| a counter says no consensus, or the timer fired | `GiveUp()`                  | `GiveUp(i)`                   |
| an opening arrived from the coordinator         | `Receive(Opening)`          | `Enter(i, r, l)`              |
| of a counter: a vote arrived                    | `Receive(Vote)`             | `Report(k, r)` when n - f are heard, or none |
| a confirmation or somebody's verdict arrived    | `Receive(Confirm)`, `Receive(Verdict)` | `Decide(k, r, c)` at the last needed |
| a second vote, or somebody's proof of it, arrived | `Receive(Vote)`, `Receive(Equivocation)` | `Convict(k, i)`     |
| a voter asks for another round                  | `Receive(Retry)`            | none: the opening is in what was signed |
| of both: time to say it again                   | `Repeat()`                  | none: the network of the spec forgets nothing |

A host carries effects out in their order; what a voter is to `Persist` is on disk before it sends. Liveness needs that the
same opening reaches all correct voters: let hosts take openings of round r from the r-th counter in turn only, by
authenticated links. Safety does not ask who brought it.

A ballot's name should tell what is voted on, by its digest: two questions of one name would share their votes.

Sources: the project document on Byzantine consensus voting ("BV"), repaired; Castro and Liskov, OSDI 1999 (PBFT), for
keeping a decision over views; Malkhi and Reiter 1998, for the size of a quorum.
"""

from impl.vote import counter, voter
from impl.vote.ballot import Ballot, InvalidBallot
from impl.vote.counter import Counter
from impl.vote.effects import Convicted, Decided, Entered, NoConsensus, Persist, Refused, Send
from impl.vote.inputs import Cast, GiveUp, Receive, Repeat
from impl.vote.statements import (
    APPROVE,
    CHOICES,
    REJECT,
    Certificate,
    Choice,
    Confirm,
    Equivocation,
    Opening,
    Retry,
    Verdict,
    Vote,
    signed,
)
from impl.vote.validation import flaw
from impl.vote.voter import Durable, Voter

__all__ = [
    "APPROVE",
    "CHOICES",
    "REJECT",
    "Ballot",
    "Cast",
    "Certificate",
    "Choice",
    "Confirm",
    "Convicted",
    "Counter",
    "Decided",
    "Durable",
    "Entered",
    "Equivocation",
    "GiveUp",
    "InvalidBallot",
    "NoConsensus",
    "Opening",
    "Persist",
    "Receive",
    "Refused",
    "Repeat",
    "Retry",
    "Send",
    "Verdict",
    "Vote",
    "Voter",
    "counter",
    "flaw",
    "signed",
    "voter",
]
