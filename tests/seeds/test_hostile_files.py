"""Files that are made to exhaust the memory or the time of a program that reads them."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

HOSTILE = {
    "brackets": b"[" * 100_000,
    "braces": b"{" * 100_000,
    "dashes": b"- " * 100_000,
    "keys in keys": b"a: " * 50_000,
    "a billion laughs": b"a: &a [lol]\n"
    + b"".join(b"%c: &%c [%s]\n" % (n, n, b"*%c," % (n - 1) * 9) for n in b"bcdefghi"),
    "too many values": b"version: 1\npermissions: [" + b"1," * 1_000_001 + b"]",
    "too large": b"version: 1\n#" + b"x" * 17_000_000,
    "a hundred thousand keys": b"".join(b"k%d: 1\n" % n for n in range(100_000)),
    "tags": b"!" * 100_000,
    "a pattern that backtracks": b"version: 1\npermissions: ['" + b"a" * 199 + b"']\nroles: [{name: r, permissions: ['"
    + b"a*" * 90 + b"b']}]",
    "patterns times permissions": b"version: 1\npermissions:\n" + b"".join(b"- p%d\n" % n for n in range(30_000))
    + b"roles:\n" + b"".join(b"- {name: r%d, permissions: ['*', 'p%d*']}\n" % (n, n) for n in range(10_000)),
    "as many wrong names": b"version: 1\npermissions:\n" + b"".join(b"- p%d\n" % n for n in range(5_000))
    + b"roles:\n- name: r\n  permissions:\n" + b"".join(b"  - q%d\n" % n for n in range(50_000)),
    "a long circle": b"version: 1\nroles:\n"
    + b"".join(b"- {name: r%d, extends: [r%d]}\n" % (n, (n + 1) % 20_000) for n in range(20_000)),
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_every_hostile_file_is_refused_quickly(
    write: Callable[..., Path], faults: Callable[..., list[str]], text: bytes
) -> None:
    start = time.process_time()
    found = faults(write(text))
    assert 0 < len(found) <= 1000
    assert all(len(fault) < 1000 for fault in found)
    assert time.process_time() - start < 20
