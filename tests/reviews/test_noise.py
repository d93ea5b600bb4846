from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightbook.reviews.noise import Noise, noise_between, noise_in, noise_in_words, quieted, quieted_value

UUIDS = "fe2db71c-7acc-4194-9a7e-aa4faff09531", "016f10a6-1b45-4a0a-bff7-55b45ba0d947"

SAME = [
    (Noise.ADDRESS, "<Model at 0x7f858008bc80>", "<Model at 0x7f49dcda3810>"),
    (Noise.ADDRESS, "<function f at 0x10A0>", "<function f at 0x10A00>"),
    (Noise.TIMESTAMP, "at 2026-11-23 02:14:55.123456", "at 2026-11-24 03:00:00.000001"),
    (Noise.TIMESTAMP, "2026-11-23T02:14:55Z done", "2026-11-23T02:14:56+01:00 done"),
    (Noise.TIMESTAMP, "Mon Nov 23 02:14:55 2026", "Tue Nov  3 12:14:05 2026"),
    (Noise.TIMESTAMP, "Mon Nov 23 02:14:55 UTC 2026", "Tue Nov 24 02:14:55 UTC 2026"),
    (Noise.TIMESTAMP, "since 23 Nov 2026 02:14 UTC", "since 3 Dec 2026 12:00 UTC"),
    (Noise.TIMESTAMP, "11/23/2026, 2:14 PM", "11/24/2026, 2:15 AM"),
    (Noise.TIMESTAMP, "[02:14:55] begun", "[02:14:56] begun"),
    (Noise.TIMESTAMP, "02:14:55,120 INFO begun", "02:14:56,001 INFO begun"),
    (
        Noise.DURATION,
        "CPU times: user 13 μs, sys: 3 μs, total: 16 μs",
        "CPU times: user 1.2 s, sys: 0 ns, total: 1.2 s",
    ),
    (Noise.DURATION, "Wall time: 18.4 μs", "Wall time: 1min 2s"),
    (
        Noise.DURATION,
        "1.2 ms ± 30 µs per loop (mean ± std. dev. of 7 runs, 1,000 loops each)",
        "998 µs ± 1.1 µs per loop (mean ± std. dev. of 7 runs, 1,000 loops each)",
    ),
    (Noise.DURATION, "took 3.2 s", "took 1 min 20 s"),
    (Noise.DURATION, "took 3.2123", "took 14.001"),
    (Noise.DURATION, "trained in 12 seconds", "trained in 14.5 seconds"),
    (Noise.DURATION, "elapsed: 12ms", "elapsed: 1.5s"),
    (Noise.DURATION, "10/10 - 2s 31ms/step - loss: 0.5", "10/10 - 1s 8ms/step - loss: 0.5"),
    (Noise.DURATION, "read 1,204.5 rows/s", "read 999 rows/s"),
    (Noise.PROGRESS, "100%|███| 50/50 [00:01<00:00, 31.2it/s]", "100%|███| 50/50 [01:01<00:00,  1.2s/it]"),
    (Noise.IDENTIFIER, f"run {UUIDS[0]}", f"run {UUIDS[1]}"),
    (Noise.IDENTIFIER, '<th id="T_ab12c_row0">', '<th id="T_00f1c_row0">'),
    (Noise.IDENTIFIER, '<div id="sk-container-id-1">', '<div id="sk-container-id-2">'),
    (Noise.IDENTIFIER, f"run_id={'a' * 32}", f"run_id={'0' * 32}"),
    (Noise.TEMPORARY_PATH, "wrote /tmp/tmpeamswkdm/model", "wrote /tmp/tmpuy75stem/model"),
    (Noise.TEMPORARY_PATH, "/tmp/ipykernel_12/3456.py:1: Warning", "/tmp/ipykernel_7/1.py:1: Warning"),
    (Noise.TEMPORARY_PATH, r"C:\Users\me\AppData\Local\Temp\tmpab12cd", r"C:\Users\me\AppData\Local\Temp\tmp99zz00"),
    (Noise.PROCESS, "worker pid=4711 ready", "worker pid=12 ready"),
    (Noise.EXECUTION_COUNT, "Cell In[3], line 2", "Cell In[14], line 2"),
    (Noise.EXECUTION_COUNT, "<ipython-input-3-0af5> in f()", "<ipython-input-9-77aa> in f()"),
]


@pytest.mark.parametrize(("kind", "before", "after"), SAME)
def test_what_a_rule_names_is_noise(kind: Noise, before: str, after: str) -> None:
    assert quieted(before) == quieted(after)
    assert noise_between(before, after) == Counter({kind: 1})
    (span,) = noise_in(before)
    assert (span.kind, before[span.start : span.end] in before) == (kind, True)


DIFFERENT = [
    ("mask = 0xff00ff", "mask = 0xff00fe"),
    ("day 2026-11-23", "day 2026-11-24"),
    ("ratio 3:2", "ratio 3:4"),
    ("Wall thickness: 18.4 mm", "Wall thickness: 18.5 mm"),
    ("loss 0.31", "loss 0.32"),
    ("timeout 30 s", "timeout 60 s"),
    ("found in 3 files", "found in 4 files"),
    ("in 3 m of water", "in 4 m of water"),
    ("after 3 epochs", "after 4 epochs"),
    ("took 3 attempts", "took 4 attempts"),
    ("100%|███| 50/50 [00:01<00:00]", "100%|███| 51/51 [00:01<00:00]"),
    (f"md5 {'a' * 32}", f"md5 {'b' * 32}"),
    ("T_max 12", "T_min 12"),
    ("wrote /tmp/model.pkl", "wrote /tmp/other.pkl"),
    ("wrote /data/tmpaaaa", "wrote /data/tmpbbbb"),
    ("stupid 1", "stupid 2"),
    ("Cell In[3], line 2", "Cell In[3], line 3"),
    ("In [a]", "In [b]"),
    ("<Model at 0x7f858008bc80, depth 3>", "<Model at 0x7f858008bc80, depth 4>"),
]


@pytest.mark.parametrize(("before", "after"), DIFFERENT)
def test_what_may_be_a_result_is_no_noise(before: str, after: str) -> None:
    assert quieted(before) != quieted(after)


def test_in_a_table_a_date_is_a_value() -> None:
    assert quieted_value("2013-01-01 05:00:00") == "2013-01-01 05:00:00"
    assert quieted_value("<A at 0x7f858008bc80>") == quieted_value("<A at 0x7f49dcda3810>")


def test_a_line_that_nobody_reads_is_taken_as_it_is() -> None:
    line = "at 0x7f858008bc80 " * 2000
    assert quieted(line) == line


def test_noise_is_told_in_words() -> None:
    counts = {Noise.ADDRESS: 1, Noise.TIMESTAMP: 2, Noise.PROCESS: 0, Noise.IDENTIFIER: 1200}
    assert noise_in_words(counts) == "1,200 random ids, 2 timestamps, 1 address"
    assert noise_in_words({Noise.ADDRESS: 2}) == "2 addresses"
    assert noise_in_words({}) == ""


PIECES = st.lists(st.one_of(st.sampled_from([text for _, *pair in SAME for text in pair]), st.text()), max_size=4)


@given(PIECES)
def test_spans_stand_in_order_and_cover_what_is_hidden(pieces: list[str]) -> None:
    text = " ".join(pieces)
    spans = noise_in(text)
    edges = [edge for span in spans for edge in (span.start, span.end)]
    assert edges == sorted(edges)
    assert quieted(text).count("\ue001") == len(spans) + text.count("\ue001")
