"""How an engine stands, in words."""

from curation.engines.engine import Status


def place(status: Status) -> str:
    """How many workers it has, and on how many nodes where these are not all one.

    >>> from curation.engines import Node
    >>> place(Status(2, (Node("here", 2),))), place(Status(6, (Node("a", 4), Node("b", 2), Node("c", 2, alive=False))))
    ('2 workers', '6 workers on 2 nodes')
    """
    workers = counted(status.workers, "worker")
    alive = sum(node.alive for node in status.nodes)
    return workers if len(status.nodes) <= 1 else f"{workers} on {counted(alive, 'node')}"


def incidents(status: Status) -> list[str]:
    """What does not go as it should, a few words each; nothing where all is well.

    >>> from curation.engines import Node, UnderWay
    >>> incidents(Status(6, (Node("a", 6, alive=False),), 3, 1, (UnderWay("pool.parquet", 60.0, True),)))
    ['1 node lost', '3 retries', '1 unit failed', '1 straggler']
    """
    lost = sum(not node.alive for node in status.nodes)
    slow = sum(unit.slow for unit in status.under_way)
    return [
        *([f"{counted(lost, 'node')} lost"] if lost else []),
        *([f"{status.retries:,} {'retry' if status.retries == 1 else 'retries'}"] if status.retries else []),
        *([f"{counted(status.failed, 'unit')} failed"] if status.failed else []),
        *([counted(slow, "straggler")] if slow else []),
    ]


def counted(count: int, noun: str) -> str:
    """A number of things."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
