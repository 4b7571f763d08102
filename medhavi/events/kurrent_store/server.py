"""The way to a KurrentDB server: its URL, the client, and what went wrong in words.

User and password are taken out of the URL before anything else sees it: the client gets
them as call credentials alone, so that they stand in no message, no `repr` and no file.
"""

from __future__ import annotations

import atexit
import threading
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from medhavi.errors import EnvironmentFailure, UsageError
from medhavi.events.store import StoreUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import grpc
    from kurrentdbclient import KurrentDBClient

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
