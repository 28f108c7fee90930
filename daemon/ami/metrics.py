"""What the links and listeners did, for Prometheus; names and units by its conventions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from daemon.ami.link import Link
from daemon.ami.listener import Listener


class PbxCollector:
    """Reads the counters of each PBX when it is asked."""

    def __init__(self, ears: Sequence[tuple[str, Listener, Link]]) -> None:
        self._ears = ears

    def collect(self) -> Iterable[Metric]:
        """All families, one sample a PBX."""
        up = GaugeMetricFamily("workorderd_ami_up", "Whether the link to the PBX is logged in.", labels=["pbx"])
        backlog = GaugeMetricFamily(
            "workorderd_ami_backlog_reads", "Reads of the manager socket that wait to be judged.", labels=["pbx"]
        )
        alive = GaugeMetricFamily("workorderd_calls_alive", "Calls that reached a queue and live.", labels=["pbx"])
        failing = GaugeMetricFamily("workorderd_storage_failing", "Whether commits fail now.", labels=["pbx"])
        for name, listener, link in self._ears:
            up.add_metric([name], float(link.state == "up"))
            backlog.add_metric([name], listener.backlog)
            alive.add_metric([name], len(listener.board.calls))
            failing.add_metric([name], float(listener.storage_failing))
        yield from (up, backlog, alive, failing, *self._counters())

    def _counters(self) -> Iterator[Metric]:
        for field, text in (
            ("frames", "Wanted AMI events received."),
            ("bad_frames", "AMI events refused as malformed."),
            ("commits", "Transactions committed."),
            ("failed_commits", "Commits that failed and were tried again."),
            ("skipped", "Effects that the database refused for good."),
            ("disagreements", "Ends that queue_log tells and AMI did not."),
        ):
            family = CounterMetricFamily(f"workorderd_{field}", text, labels=["pbx"])
            for name, listener, _ in self._ears:
                family.add_metric([name], getattr(listener.counters, field))
            yield family
        verdicts = CounterMetricFamily("workorderd_verdicts", "Calls judged, by reason.", labels=["pbx", "reason"])
        for name, listener, _ in self._ears:
            for reason, count in listener.counters.verdicts.items():
                verdicts.add_metric([name, reason], count)
        yield verdicts
