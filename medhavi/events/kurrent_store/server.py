"""The way to a KurrentDB server, and what travels there as metadata of an event.

User and password are taken out of the URL before anything else sees it: the client gets
them as call credentials alone, so that they stand in no message, no `repr` and no file.

Payload, type, id, stream and revision are KurrentDB's own. The rest of the envelope
travels as keys of the metadata: `occurredAt`, `actor`, `schemaVersion`,
`$correlationId`, `$causationId` (design 5), and `recordedAt` where an import states it.
Events of other writers pass as they are: what is absent or cannot be read takes the
envelope's default, and what cannot stand in a text column is wrapped as base64.
Metadata that no reader can follow carries its reason under `$fault`: such an event
waits in quarantine.
"""

from __future__ import annotations

import atexit
import datetime as dt
import re
import threading
import weakref
from base64 import b64encode
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote
from uuid import UUID

import msgspec

from medhavi.errors import EnvironmentFailure, UsageError
from medhavi.events.envelope import (
    COLUMNS,
    FAULT_KEY,
    UNKNOWN_ACTOR,
    RecordedEvent,
    from_microseconds,
    is_admissible,
    metadata_fault,
)
from medhavi.events.store import StoreUnreachable
from medhavi.units import EARLIEST, LATEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    import grpc
    import kurrentdbclient
    from kurrentdbclient import KurrentDBClient

    from medhavi.events.envelope import NewEvent


# A peer that vanished without a word is noticed within 20 seconds.
_KEEP_ALIVE = {"keepaliveinterval": "10000", "keepalivetimeout": "10000"}

_CONNECTING = "connecting"


class _Login(NamedTuple):
    user: str
    password: str

    def __repr__(self) -> str:
        return "_Login(hidden)"


_SERVERS: weakref.WeakSet[KurrentServer] = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """End all connections while the interpreter lives.

    A client that is collected after that waits for a lock of a thread that is gone, and
    the process hangs.
    """
    for server in list(_SERVERS):
        server.close()


class KurrentServer:
    """One server or cluster; connects when it is first used.

    Parameters
    ----------
    url
        `kurrentdb://host:2113?tls=false`, `kurrentdb://user:password@a:2113,b:2113`,
        `kurrentdb+discover://…`, or the same with `esdb` or `kdb`.

    Raises
    ------
    UsageError
        The URL cannot be meant.
    """

    def __init__(self, url: str) -> None:
        scheme, _, rest = url.partition("://")
        # From the last one on: a password may hold the sign itself.
        login, _, place = rest.rpartition("@")
        hosts, _, query = place.partition("?")
        self.shown = f"{scheme}://{hosts.rstrip('/')}"
        if not scheme or not hosts.strip("/, "):
            message = (
                "A URL of KurrentDB is kurrentdb://host:2113?tls=false or "
                "kurrentdb://user:password@host:2113."
            )
            raise UsageError(message)
        self._login = _login_of(login)
        fields = query.split("&") if query else []
        named = {field.partition("=")[0].lower() for field in fields}
        fields += [f"{k}={v}" for k, v in _KEEP_ALIVE.items() if k not in named]
        # The client wants a login for TLS; it is told a name and no password.
        self._address = f"{scheme}://-:-@{hosts.rstrip('/')}?{'&'.join(fields)}"
        self._lock = threading.Lock()
        self._client: KurrentDBClient | None = None
        _SERVERS.add(self)

    def __repr__(self) -> str:
        """URL without user and password."""
        return f"KurrentServer({self.shown!r})"

    def close(self) -> None:
        """End the connection; the next call makes another."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    @contextmanager
    def calls(self, action: str) -> Iterator[KurrentDBClient]:
        """Client; turn what it raises into words.

        Parameters
        ----------
        action
            What is being done, as it stands in the message: "reading events".

        Raises
        ------
        StoreUnreachable
            The server does not answer now.
        EnvironmentFailure
            It answers and refuses.
        """
        from kurrentdbclient.exceptions import (
            KurrentDBClientError,
            ServiceUnavailableError,
        )

        client = self._opened()
        try:
            yield client
        except KurrentDBClientError as error:
            if isinstance(error, ServiceUnavailableError):
                # A channel that failed waits longer and longer before it tries again.
                self._give_up(client)
            raise self._failure(action, error) from error
        except ValueError as error:
            # Another thread made a new connection while this call used the old one.
            if "closed" not in str(error).lower():
                raise
            message = f"The connection to KurrentDB at {self.shown} was closed."
            raise StoreUnreachable(message) from error

    def _give_up(self, client: KurrentDBClient) -> None:
        """Close a client, so that the next call makes a connection of its own."""
        with self._lock:
            if self._client is client:
                self._client = None
        client.close()

    def _opened(self) -> KurrentDBClient:
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> KurrentDBClient:
        from kurrentdbclient import KurrentDBClient
        from kurrentdbclient.exceptions import KurrentDBClientError

        login = self._login

        class Client(KurrentDBClient):
            """The client; its login comes from here and not from its URL."""

            def construct_call_credentials(
                self,
                username: str | None,  # noqa: ARG002 - the name in the URL is none
                password: str | None,  # noqa: ARG002
            ) -> grpc.CallCredentials | None:
                if login is None:
                    return None
                return super().construct_call_credentials(login.user, login.password)

        try:
            return Client(self._address)
        except KurrentDBClientError as error:
            raise self._failure(_CONNECTING, error) from error
        except ValueError as error:
            message = f"The URL {self.shown} is not understood: {error}."
            raise UsageError(message) from error
        except OSError as error:
            message = f"A certificate of {self.shown} cannot be read: {error}."
            raise EnvironmentFailure(message) from error

    def _failure(self, action: str, error: Exception) -> EnvironmentFailure:
        from kurrentdbclient import exceptions as known

        place = f"KurrentDB at {self.shown}"
        lasting: tuple[tuple[type[Exception], str], ...] = (
            (
                known.SSLError,
                (
                    f"{place} cannot be reached over TLS while {action}. For a server "
                    "without TLS add ?tls=false to the URL, for a certificate of your own "
                    "tlsCaFile=/path/ca.pem."
                ),
            ),
            (
                known.UnauthenticatedError,
                (
                    f"{place} refused the login while {action}. Check user and password "
                    "in the URL; signs such as @ / ? : are written as %40 %2F %3F %3A."
                ),
            ),
            (
                known.AccessDeniedError,
                (
                    f"{place} does not permit {action}. Give this user the right to it: "
                    "reading all streams needs read access to $all."
                ),
            ),
            (
                known.StreamIsDeletedError,
                (
                    f"{place}: the stream was deleted for good (tombstone), so {action} "
                    "cannot go on. Use another stream."
                ),
            ),
        )
        passing: dict[type[Exception], str] = {
            known.DeadlineExceededError: "did not answer in time",
            known.NodeIsNotLeaderError: "is not the leader of its cluster now",
            known.DiscoveryFailedError: "names no member of its cluster to talk to",
            known.ServiceUnavailableError: "does not answer",
            known.GrpcError: "broke off",
            known.AbortedByServerError: "broke off",
            known.UnknownError: "failed",
        }
        for kind, message in lasting:
            if isinstance(error, kind):
                return EnvironmentFailure(message)
        for kind, what in passing.items():
            # The client's last resort, for status codes that it does not know.
            if isinstance(error, kind) and type(error) is not known.GrpcError:
                message = (
                    f"{place} {what} while {action}{_detail(error)}. Check that the "
                    "server runs and that host, port and tls are right."
                )
                return StoreUnreachable(message)
        message = (
            f"{place} refused {action}{_detail(error) or f' ({type(error).__name__})'}."
        )
        return EnvironmentFailure(message)


def _login_of(text: str) -> _Login | None:
    """Read `user:password`, percent-encoded where needed."""
    if not text:
        return None
    user, colon, password = text.partition(":")
    if not (user and colon and password):
        message = (
            "The URL of KurrentDB names a login without password; write "
            "kurrentdb://user:password@host:2113."
        )
        raise UsageError(message)
    return _Login(unquote(user), unquote(password))


def _detail(error: Exception) -> str:
    """What the server said in brackets; nothing where it said nothing."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = [line for line in lines if line.startswith("details = ")]
    text = (said or lines or [""])[0].removeprefix("details = ").strip('".')
    return f" ({text})" if text else ""


_EPOCH = from_microseconds(0)
_MICROSECOND = dt.timedelta(microseconds=1)
_OWN_KEYS = {
    "occurredAt",
    "recordedAt",
    "actor",
    "schemaVersion",
    "$correlationId",
    "$causationId",
}
# A sender's key of the same name gets a tilde, and loses it again when it is read.
_ESCAPED = re.compile("~+(?:" + "|".join(map(re.escape, sorted(_OWN_KEYS))) + ")")
_NO_METADATA = "{}"
_VERSIONS = range(1, 2**31)
"""Versions that the column of bronze can hold."""
_VERSION_DIGITS = 10


class _EnvelopeMetadata(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys that Medhavi writes itself."""

    occurred_at: dt.datetime | None = msgspec.field(name="occurredAt", default=None)
    recorded_at: dt.datetime | None = msgspec.field(name="recordedAt", default=None)
    actor: str = UNKNOWN_ACTOR
    schema_version: int = msgspec.field(name="schemaVersion", default=1)
    correlation_id: str | None = msgspec.field(name="$correlationId", default=None)
    causation_id: str | None = msgspec.field(name="$causationId", default=None)


class _Envelope(NamedTuple):
    """What a metadata text says, and the rest of it."""

    keys: _EnvelopeMetadata
    rest: str


_STRICT = msgspec.json.Decoder(_EnvelopeMetadata)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_INSTANT = msgspec.json.Decoder(dt.datetime)
_PLAIN = _Envelope(_EnvelopeMetadata(), _NO_METADATA)


def to_kurrent(event: NewEvent) -> kurrentdbclient.NewEvent:
    """Client's form of an event."""
    from kurrentdbclient import NewEvent as ClientEvent

    keys = _EnvelopeMetadata(
        occurred_at=event.occurred_at and event.occurred_at.astimezone(dt.UTC),
        recorded_at=event.recorded_at and event.recorded_at.astimezone(dt.UTC),
        actor=event.actor,
        schema_version=event.schema_version,
        correlation_id=event.correlation_id,
        causation_id=event.causation_id,
    )
    stated = {
        key: value
        for key, value in msgspec.to_builtins(keys).items()
        if value is not None
    }
    senders = {
        f"~{key}" if key in _OWN_KEYS or _ESCAPED.fullmatch(key) else key: value
        for key, value in event.metadata.items()
    }
    return ClientEvent(
        type=event.type,
        data=event.payload_text.encode(),
        metadata=msgspec.json.encode(stated | senders, order="deterministic"),
        content_type="application/json",
        id=UUID(event.event_id),
    )


def row(event: kurrentdbclient.RecordedEvent) -> tuple[Any, ...]:
    """Event of the client as a row in the order of the envelope's columns."""
    keys, rest = _read_metadata(event.metadata)
    recorded_at = _storable(keys.recorded_at or event.recorded_at or _EPOCH)
    stream = event.stream_name
    try:
        payload = event.data.decode()
    except UnicodeDecodeError:
        payload = _wrapped(event.data)
    return (
        event.commit_position,
        stream,
        stream.partition("-")[0],
        event.stream_position,
        str(event.id),
        event.type,
        keys.schema_version,
        recorded_at,
        _storable(keys.occurred_at or recorded_at),
        keys.correlation_id,
        keys.causation_id,
        keys.actor,
        event.content_type,
        payload,
        rest,
    )


def _storable(instant: dt.datetime) -> dt.datetime:
    """Instant in UTC; outside the years of events the nearest instant beyond them.

    Such an instant has no place in UTC at the ends of the calendar; what the sender
    wrote stays in the metadata, and the event waits in quarantine.
    """
    if is_admissible(instant):
        return instant.astimezone(dt.UTC)
    return LATEST if instant.year > EARLIEST.year else EARLIEST - _MICROSECOND


def recorded(event: kurrentdbclient.RecordedEvent) -> RecordedEvent:
    """Event of the client as an event of a store."""
    return RecordedEvent(**dict(zip(COLUMNS, row(event), strict=True)))


def _read_metadata(text: bytes) -> _Envelope:
    if not text:
        return _PLAIN
    try:
        keys = _STRICT.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _read_key_by_key(text)
    if not _is_sound(keys):
        return _read_key_by_key(text)
    return _Envelope(keys, _NO_METADATA)


def _is_sound(keys: _EnvelopeMetadata) -> bool:
    return (
        keys.schema_version in _VERSIONS
        and bool(keys.actor)
        and all(
            instant is None or (instant.tzinfo is not None and is_admissible(instant))
            for instant in (keys.occurred_at, keys.recorded_at)
        )
    )


def _read_key_by_key(text: bytes) -> _Envelope:
    """Take what fits its key; what does not stays with the sender's own keys."""
    try:
        fault = metadata_fault(text.decode())
        if fault is not None:
            return _Envelope(_EnvelopeMetadata(), _wrapped(text, fault))
        found = _OBJECT.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Envelope(_EnvelopeMetadata(), _wrapped(text))
    readers = {
        "occurredAt": ("occurred_at", _instant),
        "recordedAt": ("recorded_at", _instant),
        "actor": ("actor", _actor),
        "schemaVersion": ("schema_version", _version),
        "$correlationId": ("correlation_id", _text),
        "$causationId": ("causation_id", _text),
    }
    stated: dict[str, Any] = {}
    rest: dict[str, msgspec.Raw] = {}
    for key, raw in found.items():
        name, reader = readers.get(key, (None, None))
        value = reader(raw) if reader else None
        if name is not None and value is not None:
            stated[name] = value
        if value is None or (
            isinstance(value, dt.datetime) and not is_admissible(value)
        ):
            rest[key[1:] if _ESCAPED.fullmatch(key) else key] = raw
    kept = msgspec.json.encode(rest, order="deterministic").decode()
    return _Envelope(_EnvelopeMetadata(**stated), kept)


def _instant(raw: msgspec.Raw) -> dt.datetime | None:
    try:
        value = _INSTANT.decode(raw)
    except msgspec.DecodeError:
        return None
    # Without a zone nobody knows which instant it is.
    return value if value.tzinfo else None


def _value(raw: msgspec.Raw) -> Any:
    """Value of a key; None where it cannot be read."""
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return None


def _text(raw: msgspec.Raw) -> str | None:
    value = _value(raw)
    return value if isinstance(value, str) else None


def _actor(raw: msgspec.Raw) -> str | None:
    return _text(raw) or None


def _version(raw: msgspec.Raw) -> int | None:
    value = _value(raw)
    # Some writers can store texts alone.
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value) if len(value) <= _VERSION_DIGITS else None
    return value if type(value) is int and value in _VERSIONS else None


def _wrapped(content: bytes, fault: str | None = None) -> str:
    """JSON object of bytes that are no text, or that no reader can follow."""
    stated = {} if fault is None else {FAULT_KEY: fault}
    kept = {**stated, "base64": b64encode(content).decode()}
    return msgspec.json.encode(kept).decode()
