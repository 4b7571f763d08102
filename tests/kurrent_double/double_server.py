"""The double's gRPC server: Streams (v1) and Gossip, over the client's own messages.

Served: Read (streams, `$all`, filters, subscriptions), Append, BatchAppend, Delete,
Tombstone, Gossip.Read. Not served: persistent subscriptions, projections, appends to
several streams at once, links. It shows how the client behaves, not how fast or how
durable a server is.
"""

from __future__ import annotations

import bisect
import re
import threading
import uuid
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
from kurrentdbclient.protos.v1 import gossip_pb2, shared_pb2, status_pb2, streams_pb2

from tests.kurrent_double.double_log import (
    ANY,
    EXISTS,
    NO_STREAM,
    DoubleLog,
    Proposed,
    TombstonedError,
    WrongRevisionError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.kurrent_double.double_log import Kept


_NAMES = {"no_stream": NO_STREAM, "any": ANY, "stream_exists": EXISTS}
_WAIT_SECONDS = 1.0
DROPS = {
    "unavailable": (grpc.StatusCode.UNAVAILABLE, "Server is shutting down"),
    "too-slow": (
        grpc.StatusCode.ABORTED,
        "Consumer too slow to handle event while live. Client resubscription required.",
    ),
}


class Double:
    """A server on 127.0.0.1.

    Parameters
    ----------
    port
        0 takes a free one; `port` then tells it.
    certificate
        Key and certificate in PEM: then it speaks TLS.
    login
        User and password that each call must carry.
    apart
        Each connection name (`connectionName` in the URL) has a log of its own, so that
        one process serves many tests.
    """

    def __init__(
        self,
        log: DoubleLog,
        port: int = 0,
        certificate: tuple[bytes, bytes] | None = None,
        login: tuple[str, str] | None = None,
        *,
        apart: bool = False,
    ) -> None:
        self._log = log
        self._logs: dict[str, DoubleLog] | None = {} if apart else None
        self._header = login and "Basic " + b64encode(":".join(login).encode()).decode()
        self._drop: tuple[int, str] = (0, "unavailable")
        self._failures: list[grpc.StatusCode] = []
        self._running = threading.Event()
        self._running.set()
        self._server = grpc.server(
            ThreadPoolExecutor(64),
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", -1),
                # The real server does not mind clients that ping when idle.
                ("grpc.http2.max_ping_strikes", 0),
            ],
        )
        self._server.add_generic_rpc_handlers(self._services())
        address = f"127.0.0.1:{port}"
        if certificate is None:
            self.port: int = self._server.add_insecure_port(address)
        else:
            credentials = grpc.ssl_server_credentials([certificate])
            self.port = self._server.add_secure_port(address, credentials)

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self.drop("unavailable")
        self._server.stop(0.2).wait()

    def _log_of(self, context: Any) -> DoubleLog:
        if self._logs is None:
            return self._log
        name = dict(context.invocation_metadata())["connection-name"]
        return self._logs.setdefault(name, DoubleLog())

    # ------------------------------------------------------------- misbehaviour
    def drop(self, reason: str) -> None:
        """End all subscriptions that run."""
        self._drop = (self._drop[0] + 1, reason)
        for log in (self._log, *(self._logs or {}).values()):
            log.wake()

    def fail(self, code: str, times: int) -> None:
        """Answer the next calls with a status code."""
        self._failures.extend([grpc.StatusCode[code]] * times)

    def hang(self, *, on: bool) -> None:
        """Take calls and do not answer."""
        self._running.clear() if on else self._running.set()

    # ------------------------------------------------------------- wiring
    def _services(self) -> tuple[Any, ...]:
        def unary(work: Callable[..., Any], request: Any) -> Any:
            return grpc.unary_unary_rpc_method_handler(
                self._guarded(work), request.FromString, _to_bytes
            )

        messages = streams_pb2
        streams = {
            "Read": grpc.unary_stream_rpc_method_handler(
                self._guarded_stream(self.read), messages.ReadReq.FromString, bytes
            ),
            "Append": grpc.stream_unary_rpc_method_handler(
                self._guarded(self.append), messages.AppendReq.FromString, _to_bytes
            ),
            "BatchAppend": grpc.stream_stream_rpc_method_handler(
                self._guarded_stream(self.batch_append),
                messages.BatchAppendReq.FromString,
                _to_bytes,
            ),
            "Delete": unary(self.delete, messages.DeleteReq),
            "Tombstone": unary(self.tombstone, messages.TombstoneReq),
        }
        members = {"Read": unary(self.members, shared_pb2.Empty)}
        return (
            grpc.method_handlers_generic_handler(
                "event_store.client.streams.Streams", streams
            ),
            grpc.method_handlers_generic_handler(
                "event_store.client.gossip.Gossip", members
            ),
        )

    def _guarded(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(request: Any, context: Any) -> Any:
            self._admit(context)
            try:
                return work(request, context)
            except TombstonedError as error:
                context.abort(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    f"Event stream '{error}' is deleted.",
                )

        return call

    def _guarded_stream(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(request: Any, context: Any) -> Iterator[Any]:
            self._admit(context)
            try:
                yield from work(request, context)
            except TombstonedError as error:
                context.abort(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    f"Event stream '{error}' is deleted.",
                )

        return call

    def _admit(self, context: Any) -> None:
        while not self._running.wait(_WAIT_SECONDS):
            if not context.is_active():
                break
        if self._failures:
            code = self._failures.pop(0)
            context.abort(code, f"told to fail with {code.name}")
        headers = dict(context.invocation_metadata())
        if self._header and headers.get("authorization") != self._header:
            context.abort(grpc.StatusCode.UNAUTHENTICATED, "Unauthenticated")

    # ------------------------------------------------------------- writing
    def append(self, requests: Iterator[Any], context: Any) -> Any:
        options = next(requests).options
        name = options.stream_identifier.stream_name.decode()
        expected = _expected(options, "expected_stream_revision", "revision")
        answer = streams_pb2.AppendResp()
        events = [_proposed(request.proposed_message) for request in requests]
        try:
            last = self._log_of(context).append(name, expected, events)
        except WrongRevisionError as error:
            wrong = answer.wrong_expected_version
            if error.actual == NO_STREAM:
                wrong.current_no_stream.SetInParent()
            else:
                wrong.current_revision = error.actual
            if expected >= 0:
                wrong.expected_revision = expected
            elif expected == NO_STREAM:
                wrong.expected_no_stream.SetInParent()
            elif expected == ANY:
                wrong.expected_any.SetInParent()
            else:
                wrong.expected_stream_exists.SetInParent()
            return answer
        answer.success.current_revision = last.revision
        answer.success.position.commit_position = last.position
        answer.success.position.prepare_position = last.position
        return answer

    def batch_append(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:
        for request in requests:
            options = request.options
            name = options.stream_identifier.stream_name.decode()
            expected = _expected(options, "expected_stream_position", "stream_position")
            answer = streams_pb2.BatchAppendResp(
                correlation_id=request.correlation_id,
                stream_identifier=options.stream_identifier,
            )
            events = [_proposed(message) for message in request.proposed_messages]
            try:
                last = self._log_of(context).append(name, expected, events)
            except WrongRevisionError as error:
                wrong = shared_pb2.WrongExpectedVersion()
                if error.actual == NO_STREAM:
                    wrong.current_no_stream.SetInParent()
                else:
                    wrong.current_stream_revision = error.actual
                _refuse(answer, "WrongExpectedVersion", wrong)
            except TombstonedError:
                deleted = shared_pb2.StreamDeleted(
                    stream_identifier=options.stream_identifier
                )
                _refuse(answer, "StreamDeleted", deleted)
            else:
                answer.success.current_revision = last.revision
                answer.success.position.commit_position = last.position
                answer.success.position.prepare_position = last.position
            yield answer

    def delete(self, request: Any, context: Any) -> Any:
        position = self._deleted(request.options, context, forever=False)
        return streams_pb2.DeleteResp(
            position=streams_pb2.DeleteResp.Position(
                commit_position=position, prepare_position=position
            )
        )

    def tombstone(self, request: Any, context: Any) -> Any:
        position = self._deleted(request.options, context, forever=True)
        return streams_pb2.TombstoneResp(
            position=streams_pb2.TombstoneResp.Position(
                commit_position=position, prepare_position=position
            )
        )

    def _deleted(self, options: Any, context: Any, *, forever: bool) -> int:
        name = options.stream_identifier.stream_name.decode()
        expected = _expected(options, "expected_stream_revision", "revision")
        try:
            log = self._log_of(context)
            return log.delete(name, expected, forever=forever)
        except WrongRevisionError as error:
            message = (
                f"Append failed due to WrongExpectedVersion. Stream: {name}, "
                f"Expected version: {expected}, Actual version: {error.actual}"
            )
            context.abort(grpc.StatusCode.FAILED_PRECONDITION, message)
            raise AssertionError from error

    def members(self, _request: Any, _context: Any) -> Any:
        member = gossip_pb2.MemberInfo(state=gossip_pb2.MemberInfo.Leader)
        member.is_alive = True
        member.http_end_point.address = "127.0.0.1"
        member.http_end_point.port = self.port
        return gossip_pb2.ClusterInfo(members=[member])

    # ------------------------------------------------------------- reading
    def read(self, request: Any, context: Any) -> Iterator[bytes]:
        options, log = request.options, self._log_of(context)
        live = options.WhichOneof("count_option") == "subscription"
        if options.WhichOneof("stream_option") == "all":
            source, start, first = _all(log, options, context, live=live)
        else:
            name = options.stream.stream_identifier.stream_name.decode()
            stream = log.stream(name)
            if stream.tombstoned:
                raise TombstonedError(name)
            if stream.is_missing and not live:
                missing = streams_pb2.ReadResp()
                missing.stream_not_found.stream_identifier.stream_name = name.encode()
                yield missing.SerializeToString()
                return
            source, first = stream.events, min(stream.truncated, len(stream.events))
            start = _stream_start(options, len(source), live=live)
        admits = _admission(options)
        if live:
            place = max(start, first)
            yield from self._follow((log, source, place), options, context, admits)
        elif options.read_direction == streams_pb2.ReadReq.Options.Backwards:
            chosen = (
                source[n] for n in range(min(start, len(source) - 1), first - 1, -1)
            )
            yield from _limited(chosen, options.count, admits)
        else:
            chosen = (source[n] for n in range(max(start, first), len(source)))
            yield from _limited(chosen, options.count, admits)

    def _follow(
        self,
        where: tuple[DoubleLog, list[Kept], int],
        options: Any,
        context: Any,
        admits: Callable[[Kept], bool],
    ) -> Iterator[bytes]:
        """What is there, then what comes; checkpoints where a filter skips."""
        log, source, place = where
        confirmation = streams_pb2.ReadResp()
        confirmation.confirmation.subscription_id = str(uuid.uuid4())
        yield confirmation.SerializeToString()
        window = options.filter.max * options.filter.checkpointIntervalMultiplier
        drops, seen, told = self._drop[0], 0, False
        context.add_callback(log.wake)
        while context.is_active():
            while place < len(source):
                kept = source[place]
                place += 1
                seen += 1
                if admits(kept):
                    yield kept.wire
                if window and seen % window == 0:
                    yield _checkpoint(kept.position)
                if self._drop[0] != drops:
                    break
            if not told and self._drop[0] == drops:
                told = True
                caught_up = streams_pb2.ReadResp()
                caught_up.caught_up.timestamp.GetCurrentTime()
                yield caught_up.SerializeToString()
            with log.changed:
                if place >= len(source) and self._drop[0] == drops:
                    log.changed.wait(_WAIT_SECONDS)
            if self._drop[0] != drops:
                context.abort(*DROPS[self._drop[1]])


def _all(
    log: DoubleLog, options: Any, context: Any, *, live: bool
) -> tuple[list[Kept], int, int]:
    source, where = log.all, options.all.WhichOneof("all_option")
    backwards = options.read_direction == streams_pb2.ReadReq.Options.Backwards
    if where != "position":
        start = len(source) if where == "end" else 0
        return source, start - 1 if backwards else start, 0
    position = options.all.position.commit_position
    # As the server compares: events of a transaction were prepared before its commit.
    start = bisect.bisect_left(
        source, (position, position), key=lambda kept: (kept.position, kept.prepare)
    )
    if not any(
        kept.position == position for kept in source[max(start - 1, 0) : start + 1]
    ):
        context.abort(
            grpc.StatusCode.UNKNOWN,
            "Unexpected FilteredReadAllResult: InvalidPosition",
        )
    if backwards:
        return source, start - 1, 0
    return source, start + 1 if live else start, 0


def _to_bytes(message: Any) -> bytes:
    return bytes(message.SerializeToString())


def _proposed(message: Any) -> Proposed:
    facts = message.metadata
    return Proposed(
        message.id.string,
        facts["type"],
        facts["content-type"],
        message.custom_metadata,
        message.data,
    )


def _expected(options: Any, group: str, number: str) -> int:
    chosen = options.WhichOneof(group)
    return int(getattr(options, number)) if chosen == number else _NAMES[chosen]


def _refuse(answer: Any, text: str, detail: Any) -> None:
    # The number that gRPC gives a failed precondition.
    status = status_pb2.Status(code=9, message=text)  # type: ignore[arg-type]
    status.details.Pack(detail)
    answer.error.CopyFrom(status)


def _stream_start(options: Any, count: int, *, live: bool) -> int:
    where = options.stream.WhichOneof("revision_option")
    if where == "revision":
        return int(options.stream.revision) + (1 if live else 0)
    if where == "start":
        return 0
    backwards = options.read_direction == streams_pb2.ReadReq.Options.Backwards
    return count - 1 if backwards else count


def _admission(options: Any) -> Callable[[Kept], bool]:
    if options.WhichOneof("filter_option") != "filter":
        return lambda _kept: True
    by = options.filter.WhichOneof("filter")
    expression = getattr(options.filter, by)
    column = "stream" if by == "stream_identifier" else "type"
    prefixes: Sequence[str] = tuple(expression.prefix)
    if prefixes:
        return lambda kept: getattr(kept, column).startswith(prefixes)
    pattern = re.compile(expression.regex)
    answers: dict[str, bool] = {}

    def admits(kept: Kept) -> bool:
        text = getattr(kept, column)
        if text not in answers:
            answers[text] = pattern.search(text) is not None
        return answers[text]

    return admits


def _limited(
    chosen: Iterator[Kept], count: int, admits: Callable[[Kept], bool]
) -> Iterator[bytes]:
    for kept in chosen:
        if count <= 0:
            return
        if admits(kept):
            count -= 1
            yield kept.wire


def _checkpoint(position: int) -> bytes:
    answer = streams_pb2.ReadResp()
    answer.checkpoint.commit_position = position
    answer.checkpoint.prepare_position = position
    return bytes(answer.SerializeToString())
