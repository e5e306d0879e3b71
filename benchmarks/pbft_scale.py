"""PBFT clusters of 4 to 100 replicas beside the targets of the source documents (PBFT-8).

Measured with Ed25519 signatures on every message and in simulated time (messages take 1 to 5 ms):

* latency: from when a client asks to when f + 1 replicas have told it the same result, alone and under load;
* operations a second. "One process" is what this process did with all n replicas in it, by its clock and by
  its processor time. "A process each" is an estimate of n processes with a processor each: every step of a
  replica takes as much virtual time as it took processor time here, and a replica takes one step after the
  other;
* messages, which must be exactly as many as the paper's phases say, also with a view change;
* bytes between replicas in canonical encoding and in bincode's, which HM names, beside the payload: the
  operations, once;
* the memory of a replica in the middle of a run with checkpoints, and how large it can become by its
  configuration.

Hosts write no disk, and messages are handed over as objects: no figure includes either, nor the
clients.

Baselines in the same run: signatures by the library alone, made and verified, of which each request needs as
many as are shown; and the same clusters with signatures that only stand for some, which is the protocol
without them.
"""

import resource
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from benchmarks._machine import begin, leave, show, sized
from impl.common.ed25519 import Ed25519Keys, public_key
from impl.pbft import Config
from property_tests.pbft.scale import (
    Figures,
    binary_bytes,
    measure,
    messages_of_a_batch,
    messages_of_a_view_change,
    prepared_then_changed,
)
from tlacheck.sim import Uniform

#: The targets: HM for the first four, A2 for the next two, KN for the last two.
LATENCY_MS = 500
OPERATIONS_A_SECOND = 1_000
REPLICA_BYTES = 200_000_000
OVERHEAD = 0.10
FINALITY_MS = 5_000
TRANSACTIONS_A_SECOND = 100
CONSENSUS_MS = 50
#: (KN has the same number of operations a second as HM.)

DELAY = Uniform(1, 5)
#: The number of replicas of a target, and of requests at batches of 1 and of 64.
SMALL = sized({4: (300, 1_920), 7: (120, 960), 10: (80, 640)}, {4: (8, 128)})
LARGE = sized({31: (4, 256), 100: (1, 128)}, {7: (1, 128)})
BATCH, CLIENTS_A_BATCH = 64, 2
PAYLOADS = sized((100, 1_024, 16_384), (100, 1_024))
#: A full window and a half of full batches.
MEMORY_REQUESTS = sized(300, 2) * BATCH


@attrs.frozen
class Measured:
    """One way to load a cluster."""

    replicas: int
    batch: int
    requests: int
    clients: int
    symbolic: bool = False

    @property
    def ahead(self) -> int:
        """The number of batches under way: small ones many at a time."""
        return 16 if self.batch == 1 else 2

    def measured(self, *, computing: bool = True) -> Figures:
        """The figures of one run."""
        return measure(
            self.replicas,
            requests=self.requests,
            seed=1,
            delay=DELAY,
            batch=self.batch,
            ahead=self.ahead,
            clients=self.clients,
            symbolic=self.symbolic,
            computing=computing,
        )


def signatures() -> tuple[float, float]:
    """Return the CPU seconds for making and for verifying a signature, by the library alone."""
    seed, content = bytes(32), bytes(150)
    keys = Ed25519Keys(seed, {"r0": public_key(seed)})
    signature = keys.sign(content)

    def rate(work: Callable[[], object], rounds: int = 5, count: int = 1_000) -> list[float]:
        found = []
        for _ in range(rounds):
            started = time.process_time()
            for _ in range(count):
                work()
            found.append(count / (time.process_time() - started))
        return found

    made = show("Ed25519 signatures made", rate(lambda: keys.sign(content)), "/s of CPU")
    verified = show(
        "Ed25519 signatures verified", rate(lambda: keys.verify("r0", content, signature)), "/s of CPU"
    )
    return 1 / made, 1 / verified


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under their header."""
    print("".join(f"{name:>13}" for name in header), flush=True)
    for row in rows:
        print("".join(f"{text:>13}" for text in row), flush=True)


def alone() -> dict[int, tuple[Figures, Figures]]:
    """Measure one sequential client: latency without load, without and with computing."""
    print("\none client, one request after the other; ms as median/worst")
    found: dict[int, tuple[Figures, Figures]] = {}

    def rows() -> Iterable[Sequence[str]]:
        for replicas, (requests, _) in {**SMALL, **LARGE}.items():
            row = Measured(replicas, 1, max(1, min(20, requests // 4)), 1)
            symbolic = attrs.evolve(row, symbolic=True, requests=20)
            found[replicas] = symbolic.measured(computing=False), row.measured()
            links, whole = found[replicas]
            yield (
                f"{replicas}",
                f"{statistics.median(links.latency_ms):.1f}/{max(links.latency_ms):.1f}",
                f"{statistics.median(whole.latency_ms):.1f}/{max(whole.latency_ms):.1f}",
                f"{1_000 * whole.cpu_s / whole.requests:.1f}",
                f"{1_000 * whole.busiest_cpu_s / whole.requests:.2f}",
            )

    table(("replicas", "links alone", "computing", "CPU ms/op", "a replica"), rows())
    return found


def loaded(sign_s: float, verify_s: float) -> dict[Measured, Figures]:
    """Measure with as many clients as fill the window."""
    print(
        "\nas many clients as fill the batches that may be under way; ms as median/worst, with "
        "computing; op/s of\n"
        "one process by its clock and its processor time, and estimated for a process each; of CPU "
        "what is spent\n"
        "on signatures, by the rates above"
    )
    found: dict[Measured, Figures] = {}

    def rows() -> Iterable[Sequence[str]]:
        for replicas, (one, many) in {**SMALL, **LARGE}.items():
            small = [Measured(replicas, 1, one, 16)] if replicas in SMALL else []
            for row in (*small, Measured(replicas, BATCH, many, CLIENTS_A_BATCH * BATCH)):
                for symbolic in (False, True) if replicas in SMALL else (False,):
                    chosen = attrs.evolve(row, symbolic=symbolic)
                    figures = found[chosen] = chosen.measured()
                    requests = figures.requests
                    crypto_s = figures.signs * sign_s + figures.verifies * verify_s
                    yield (
                        f"{replicas}",
                        f"{row.batch}",
                        "symbolic" if symbolic else "Ed25519",
                        f"{statistics.median(figures.latency_ms):.0f}/{max(figures.latency_ms):.0f}",
                        f"{requests / figures.wall_s:,.0f}",
                        f"{figures.cpu_rate:,.0f}",
                        f"{figures.virtual_rate:,.0f}",
                        f"{1_000 * figures.cpu_s / requests:.2f}",
                        f"{figures.normal_messages / requests:.1f}",
                        f"{figures.signs / requests:.1f}",
                        f"{figures.verifies / requests:.1f}",
                        "-" if symbolic else f"{crypto_s / figures.cpu_s:.0%}",
                    )

    table(
        (
            "replicas", "batch", "signatures", "ms", "op/s clock", "op/s CPU", "op/s each", "CPU ms/op",
            "messages/op", "signs/op", "verifies/op", "of CPU",
        ),
        rows(),
    )  # fmt: skip
    return found


def messages() -> list[str]:
    """Compare the number of messages with the paper's phases; return the differences."""
    print("\nmessages of a request alone in its batch, and of a view change that brings 3 batches along")
    wrong = []
    for replicas in (4, 7, 10, 31):
        sent = measure(
            replicas, requests=5, seed=1, delay=DELAY, batch=1, ahead=16, clients=5, symbolic=True
        ).sent
        expected = messages_of_a_batch(replicas)
        found = {kind: sent[kind] / 5 for kind in expected}
        print(f"  {replicas:>3} replicas  " + "  ".join(f"{kind} {count:g}" for kind, count in found.items()))
        if found != expected:
            wrong.append(f"{replicas} replicas send {found} a request, and not {expected}")
        changed = prepared_then_changed(replicas, requests=3, seed=1, delay=Uniform(3, 3)).sent
        after = {kind: count for kind, count in changed.items() if kind != "Request"}
        expected = messages_of_a_view_change(replicas, 3)
        print("                " + "  ".join(f"{kind} {after[kind]:g}" for kind in expected))
        if after != expected:
            wrong.append(f"{replicas} replicas send {after} for a view change, and not {expected}")
    return wrong


def network() -> dict[tuple[int, int, int], tuple[float, float]]:
    """Return, by replicas, batch and payload, the bytes over the minimum, in total and on the busiest link.

    The minimum is that the payload reaches each backup once.
    """
    print(
        "\nbytes between replicas over payload bytes; of these, beyond the payload's own way to each "
        "backup; and\n"
        "beyond the payload on the link from the primary to a backup, both ways"
    )
    found: dict[tuple[int, int, int], tuple[float, float]] = {}

    def rows() -> Iterable[Sequence[str]]:
        for replicas in SMALL:
            for batch in (1, BATCH):
                for payload in PAYLOADS:
                    figures = measure(
                        replicas,
                        requests=256 if batch > 1 else 4,
                        seed=1,
                        delay=DELAY,
                        batch=batch,
                        ahead=1,
                        clients=256,
                        payload_bytes=payload,
                        symbolic=False,
                    )
                    sent, least = figures.between_replicas_bytes, figures.payload_bytes * (replicas - 1)
                    bytes_ = figures.bytes
                    votes = bytes_["Prepare"] / (replicas - 1) ** 2
                    commits = bytes_["Commit"] / (replicas * (replicas - 1))
                    # From the primary the proposal and its commit; to it the backup's prepare and commit.
                    link = bytes_["PrePrepare"] / (replicas - 1) + votes + 2 * commits
                    ratio = sent / least - 1, link / figures.payload_bytes - 1
                    found[replicas, batch, payload] = ratio
                    yield (
                        f"{replicas}",
                        f"{batch}",
                        f"{payload:,}",
                        f"{sent / figures.payload_bytes:.2f}",
                        f"{ratio[0]:+.1%}",
                        f"{ratio[1]:+.1%}",
                    )

    table(("replicas", "batch", "payload B", "bytes/payload", "beyond least", "on a link"), rows())
    return found


def binary() -> dict[tuple[int, int], float]:
    """Return, by replicas and payload, the bytes over the minimum in full batches, in bincode's encoding."""
    found: dict[tuple[int, int], float] = {}
    for replicas in SMALL:
        for payload in PAYLOADS[1:]:
            figures = measure(
                replicas,
                requests=256,
                seed=1,
                delay=DELAY,
                batch=BATCH,
                ahead=1,
                clients=256,
                payload_bytes=payload,
                size=binary_bytes,
            )
            least = figures.payload_bytes * (replicas - 1)
            found[replicas, payload] = figures.between_replicas_bytes / least - 1
    cells = ", ".join(f"{n}: {ratio:+.1%} at {payload:,} B" for (n, payload), ratio in found.items())
    print(f"the same beyond least in bincode's encoding, batches of up to {BATCH}: {cells}")
    return found


def memory() -> int:
    """Return the size of a replica after a window and a half of full batches."""
    figures = measure(
        4,
        requests=MEMORY_REQUESTS,
        seed=1,
        delay=DELAY,
        batch=BATCH,
        clients=2 * CLIENTS_A_BATCH * BATCH,  # so many that every batch is full
        payload_bytes=1_024,
        symbolic=False,
        weigh_every=50,
    )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024
    print(
        f"\nmemory of a replica, {MEMORY_REQUESTS:,} requests of 1,024 bytes in batches of {BATCH}, "
        "with the paper's "
        f"window of 200 and a checkpoint every 100:\n  {figures.replica_bytes / 1e6:.1f} MB at most in "
        "objects; "
        f"{peak / 1e6:.0f} MB is the most that this whole process ever had, with 4 replicas and up to 100"
    )
    settings = attrs.fields_dict(Config)
    window, batch_max, request_bytes_max = (
        int(settings[name].default or 0) for name in ("window", "batch_max", "request_bytes_max")
    )
    print(
        "  by the defaults of its configuration it may have to hold "
        f"{window * batch_max * request_bytes_max / 1e6:,.0f} MB of "
        "requests for the primary of its view, and as much for each Byzantine primary of "
        "later views:\n"
        f"  {window} numbers of {batch_max} requests of {request_bytes_max:,} bytes. Who needs the "
        "target against "
        "Byzantine replicas sets these limits lower"
    )
    return figures.replica_bytes


# --- beside the targets -------------------------------------------------------------------------


def beside(values: Mapping[int, float], unit: str, *, below: float | None = None, above: float = 0.0) -> str:
    """Format figures by the number of replicas, each with whether it misses its target."""
    return ", ".join(
        f"{replicas}: {value:,.0f} {unit}"
        + ("" if value > above and (below is None or value < below) else " MISSED")
        for replicas, value in values.items()
    )


def against_latency(unloaded: dict[int, tuple[Figures, Figures]], load: dict[Measured, Figures]) -> None:
    """Compare HM's and KN's latencies for small clusters, alone and under load; A2's for large ones."""
    worst = {"alone": {n: max(whole.latency_ms) for n, (_, whole) in unloaded.items()}}
    for batch in (1, BATCH):
        worst[f"under load, batches of up to {batch}"] = {
            row.replicas: max(figures.latency_ms)
            for row, figures in load.items()
            if row.batch == batch and not row.symbolic
        }
    for source, target_ms, sizes in (
        ("HM  latency", LATENCY_MS, SMALL),
        ("KN  latency", CONSENSUS_MS, SMALL),
        ("A2  finality", FINALITY_MS, LARGE),
    ):
        for what, by_size in worst.items():
            chosen = {n: ms for n, ms in by_size.items() if n in sizes}
            if chosen:
                print(
                    f"{source} < {target_ms:,} ms up to {max(sizes)} replicas, worst {what}: "
                    f"{beside(chosen, 'ms', below=target_ms)}"
                )


def against_rates(load: dict[Measured, Figures]) -> None:
    """Compare HM's and KN's operations a second for small clusters, A2's for large ones."""
    for source, target, sizes in (
        ("HM, KN", OPERATIONS_A_SECOND, SMALL),
        ("A2", TRANSACTIONS_A_SECOND, LARGE),
    ):
        for batch in (1, BATCH):
            chosen = {
                row.replicas: figures
                for row, figures in load.items()
                if row.batch == batch and row.replicas in sizes and not row.symbolic
            }
            if chosen:
                each = {n: figures.virtual_rate for n, figures in chosen.items()}
                one = {n: figures.cpu_rate for n, figures in chosen.items()}
                what = f"{source}  > {target:,} op/s up to {max(sizes)} replicas, batches of up to {batch}"
                print(f"{what}, a process each (estimate): {beside(each, 'op/s', above=target)}")
                print(f"{what}, all in one process, CPU: {beside(one, 'op/s', above=target)}")


def against_overhead(overhead: dict[tuple[int, int, int], tuple[float, float]]) -> None:
    """Compare HM's network overhead; over a single payload it is impossible: each backup must get it."""
    for place, what in enumerate(("beyond the payload's way to each backup", "on a link of the primary")):
        met = sum(ratios[place] < OVERHEAD for ratios in overhead.values())
        cells = ", ".join(
            f"{n}: {overhead[n, BATCH, payload][place]:.0%}"
            + (" MISSED" if overhead[n, BATCH, payload][place] >= OVERHEAD else "")
            + f" at {payload:,} B"
            for n in SMALL
            for payload in PAYLOADS[1:]
        )
        print(
            f"HM  network overhead < {OVERHEAD:.0%}, {what}, batches of up to {BATCH}: {cells}; met in "
            f"{met} of all "
            f"{len(overhead)} rows"
        )


def main() -> None:
    """Measure and print."""
    begin("PBFT clusters in simulated time and in processor time")
    sign_s, verify_s = signatures()
    unloaded = alone()
    load = loaded(sign_s, verify_s)
    wrong = messages()
    overhead = network()
    encoded = binary()
    replica_bytes = memory()
    print(
        "\nthe targets (PBFT-8) beside what was measured; latencies are virtual, with computing: links of "
        f"{DELAY.least_ms} to {DELAY.greatest_ms} ms and a process for each replica"
    )
    against_latency(unloaded, load)
    against_rates(load)
    against_overhead(overhead)
    print(
        f"HM  the same in bincode's encoding: {sum(ratio < OVERHEAD for ratio in encoded.values())} of "
        f"{len(encoded)} rows below {OVERHEAD:.0%}"
    )
    print(
        f"HM  < {REPLICA_BYTES / 1e6:.0f} MB a replica: {replica_bytes / 1e6:.1f} MB"
        + ("" if replica_bytes < REPLICA_BYTES else " MISSED")
        + f" (4 replicas, batches of {BATCH}, 1,024 bytes each, nobody lies)"
    )
    print("messages: " + ("exactly as many as the paper's phases say" if not wrong else "; ".join(wrong)))
    rates = " ".join(
        f"ops_{row.replicas}_{row.batch}{'_symbolic' if row.symbolic else ''}={figures.virtual_rate:.0f}"
        for row, figures in load.items()
    )
    latencies = " ".join(f"alone_{n}={max(whole.latency_ms):.0f}ms" for n, (_, whole) in unloaded.items())
    print(
        f"pbft_scale: {rates} {latencies} replica_mb={replica_bytes / 1e6:.1f} verify_us={1e6 * verify_s:.0f}"
    )
    if wrong:
        raise SystemExit(1)
    leave()


if __name__ == "__main__":
    main()
