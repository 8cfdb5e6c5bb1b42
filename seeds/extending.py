"""The order in which roles can be resolved that take over each other's permissions."""

from collections.abc import Iterator


def in_order(graph: dict[str, list[str]]) -> tuple[list[str], list[list[str]]]:
    """Return all names, those that others need first, and each circle as the path around it (its start at both ends).

    Without recursion: a chain may be as long as a file. In a circle the step that closes it is left out of the order.
    """
    order: dict[str, None] = {}
    circles: list[list[str]] = []
    for start, others in graph.items():
        path: dict[str, Iterator[str]] = {} if start in order else {start: iter(others)}
        while path:
            name = next(reversed(path))
            step = next((other for other in path[name] if other not in order), None)
            if step is None:
                order[name] = None
                del path[name]
            elif step in path:
                names = list(path)
                circles.append([*names[names.index(step) :], step])
            else:
                path[step] = iter(graph[step])
    return list(order), circles
