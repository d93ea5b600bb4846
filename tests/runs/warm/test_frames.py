from __future__ import annotations

import os
import socket
import threading

from hypothesis import given
from hypothesis import strategies as st

from nightbook.runs.warm.frames import FLUSH, MESSAGE, TEXT, Frame, FrameReader, FrameWriter, read_frame

FRAMES = st.builds(
    Frame, st.sampled_from([MESSAGE, TEXT, FLUSH]), st.lists(st.binary(max_size=300), max_size=5).map(tuple)
)


def written(*frames: Frame) -> bytes:
    """What a writer makes of them."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        writer = FrameWriter(ours)
        for frame in frames:
            writer.write(frame.kind, *frame.parts)
        ours.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: theirs.recv(1 << 16), b""))


@given(st.lists(FRAMES, max_size=4), st.lists(st.integers(1, 50), min_size=1))
def test_frames_come_out_as_they_went_in_however_their_bytes_are_cut(frames: list[Frame], sizes: list[int]) -> None:
    sent, reader, heard, turn = written(*frames), FrameReader(), list[Frame](), 0
    while sent:
        size = sizes[turn % len(sizes)]
        heard += reader.feed(sent[:size])
        sent, turn = sent[size:], turn + 1
    assert heard == frames


@given(st.lists(FRAMES, min_size=1, max_size=3), st.data())
def test_half_a_frame_is_kept_until_the_rest_comes(frames: list[Frame], draw: st.DataObject) -> None:
    sent = written(*frames)
    cut = draw.draw(st.integers(0, len(sent) - 1))
    reader = FrameReader()
    before = list(reader.feed(sent[:cut]))
    assert len(before) < len(frames)
    assert before + list(reader.feed(sent[cut:])) == frames


def test_a_part_may_be_a_view_of_anything() -> None:
    numbers = memoryview(b"\x01\x00\x02\x00").cast("H")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        FrameWriter(ours).write(MESSAGE, b"head", numbers)
        assert read_frame(theirs, FrameReader(), []) == Frame(MESSAGE, (b"head", b"\x01\x00\x02\x00"))


def test_frames_of_threads_and_forked_processes_are_never_mixed() -> None:
    ours, theirs = socket.socketpair()
    writer = FrameWriter(ours)
    children = []

    def say(letter: bytes) -> None:
        for _ in range(30):
            writer.write(TEXT, letter, letter * 40_000)

    for letter in (b"a", b"b"):
        pid = os.fork()
        if pid == 0:
            theirs.close()
            say(letter)
            os._exit(0)
        children.append(pid)
    threads = [threading.Thread(target=say, args=(letter,)) for letter in (b"c", b"d")]
    for thread in threads:
        thread.start()
    reader, waiting = FrameReader(), list[Frame]()
    heard = [read_frame(theirs, reader, waiting) for _ in range(120)]
    for thread in threads:
        thread.join()
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0]
    assert all(one is not None and one.parts[1] == one.parts[0] * 40_000 for one in heard)
    ours.close()
    assert read_frame(theirs, reader, waiting) is None
    theirs.close()
