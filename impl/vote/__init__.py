"""Byzantine voting as two pure cores, `voter.step` and `counter.step`. VOTE-1..3.

Each is a function `(state, input) -> (state, effects)`.

Theory of operation. A `Ballot` puts one question to n voters, of whom up to f may be Byzantine or silent, n >
3f. It ends in APPROVE or REJECT, and all counters find the same; or there is no consensus yet, and another
round follows.

A **round** has two phases. Each voter signs one `Vote`. A quorum of votes of one round for one choice is a
`Certificate`; two certificates of one round share a correct voter, and so are for one choice. A voter that
sees a certificate of its round signs a `Confirm` and is locked on that certificate. A quorum of confirmations
of one round for one choice is the `Verdict`.

**Another round.** A voter that gives up a round signs a `Retry`: a promise neither to vote nor to confirm in
that round or an earlier one, with the last certificate that it confirmed, its lock. A quorum of retries is an
`Opening` of the next round. If the opening carries locks, all vote for the choice of the latest one; if it
carries none, they vote as they like. So a verdict stays: the quorum that confirmed it and the quorum of any
opening share a correct voter, which confirmed before it gave up and states its lock. This is the view change
of PBFT; one phase would suffice only with more than 5f voters (`models.vote`, claim
`votes-alone-carry-over`).

**Counters** only collect and forward. There may be any number of them, they need not know each other, and
nobody has to trust one: certificates, openings and verdicts consist of signed statements and prove themselves
(`rejection_reason`). A counter never waits for more than n - f voters: then it reports `NoConsensus` on what
it has; a certificate may still form until the voters give up the round. Two different statements of one kind
and round convict their signer (`Equivocation`), which is reported and no longer counted. Certificates with
its votes remain valid, since two quorums share a correct voter whatever the others sign.

| host sees                               | input                   | action in specs/vote/Vote.tla          |
|-----------------------------------------|-------------------------|----------------------------------------|
| voter: its reviewer has an opinion,     | `Cast(choice)`          | `Vote(i, c)`                           |
| or `Entered` says what it must vote for |                         |                                        |
| a certificate arrived                   | `Receive(Certificate)`  | `Confirm(i, c)`                        |
| a counter reports no consensus,         | `GiveUp()`              | `GiveUp(i)`                            |
| or the timer fired                      |                         |                                        |
| the coordinator's opening arrived       | `Receive(Opening)`      | `Enter(i, r, l)`                       |
| counter: a vote arrived                 | `Receive(Vote)`         | `Report(k, r)`                         |
|                                         |                         | when n - f are heard, or none          |
| a confirmation arrived                  | `Receive(Confirm)`      | `Decide(k, r, c)` at the last needed   |
| a verdict arrived                       | `Receive(Verdict)`      | `Decide(k, r, c)`                      |
| a second vote arrived                   | `Receive(Vote)`         | `Convict(k, i)`                        |
| a proof of equivocation arrived         | `Receive(Equivocation)` | `Convict(k, i)`                        |
| a voter asks for another round          | `Receive(Retry)`        | none: the opening contains it          |
| both: the repetition timer fired        | `Repeat()`              | none: the spec's network loses nothing |

A host carries out effects in their order; what a voter must `Persist` is on disk before it sends. Liveness
needs that the same opening reaches all correct voters: let hosts accept openings of round r only from the
r-th counter in turn, over authenticated links. Safety does not depend on who delivers an opening.

A ballot's name should contain the digest of the question: two questions of one name would share their votes.

Sources: the project document on Byzantine consensus voting ("BV"), repaired; Castro and Liskov, OSDI 1999
(PBFT), for keeping a decision over views; Malkhi and Reiter 1998, for the size of a quorum.
"""

from impl.common.results import Refused
from impl.vote import counter, voter
from impl.vote.ballot import Ballot, InvalidBallot
from impl.vote.counter import Counter
from impl.vote.durable import Durable
from impl.vote.effects import Convicted, Decided, Entered, NoConsensus, Persist, Send
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
from impl.vote.validation import rejection_reason
from impl.vote.voter import Voter

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
    "rejection_reason",
    "signed",
    "voter",
]
