"""Who has been silent for how long, and what is to be done about it."""

from __future__ import annotations

from typing import NamedTuple

from relay.lanes import Client


class Beat(NamedTuple):
    silent: list[Client]
    """Those to be asked by a ping (RFC 6455, 5.5.2) whether they are there."""
    gone: list[Client]
    """Those who did not answer."""


class Heartbeat:
    """Time is counted in beats, so that nobody pays for a pause of the service itself."""

    def __init__(self, patience: int) -> None:
        """A client is asked after `patience` silent beats, and given up after as many more."""
        self._patience = patience
        self._beats = 0
        self._heard: dict[Client, int] = {}
        """The beat of the last sign of life, the longest silent client first."""

    def heard(self, client: Client) -> None:
        """A client has come, or is alive."""
        self._heard.pop(client, None)
        self._heard[client] = self._beats

    def forget(self, client: Client) -> None:
        self._heard.pop(client, None)

    def beat(self) -> Beat:
        self._beats += 1
        beat = Beat([], [])
        for client, heard in self._heard.items():
            silence = self._beats - heard
            if silence < self._patience:
                break
            if silence == self._patience:
                beat.silent.append(client)
            elif silence > 2 * self._patience:
                beat.gone.append(client)
        return beat
