"""Tables and images to TOPCAT, Aladin and DS9, by the IVOA's messages between programs (SAMP)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kamerton.errors import MissingExtraError, UsageError

TABLE, IMAGE = "table.load.votable", "image.load.fits"


def send(mtype: str, path: Path, name: str) -> list[str]:
    """Send a file to every program that takes it, and give their names.

    Raises UsageError where no hub runs (TOPCAT and Aladin begin one) or no program takes it.
    """
    try:
        from pyvo import samp
    except ImportError as error:
        raise MissingExtraError(
            "Sending to other programs needs the package pyvo", received=str(error), next_step="pip install pyvo"
        ) from error
    client = samp.SAMPIntegratedClient(
        "Kamerton", "Sorts galaxies by their shape", metadata={"samp.name": "Kamerton"}, callable=False
    )
    try:
        client.connect()
    # The last where another hub than the usual one runs.
    except (samp.SAMPHubError, OSError, KeyError) as error:
        raise UsageError(
            "No SAMP hub is running, through which programs talk", next_step="start TOPCAT or Aladin, and try again"
        ) from error
    try:
        takers = client.get_subscribed_clients(mtype)
        names = sorted(_name(client.get_metadata(one), one) for one in takers)
        if not names:
            kind = "tables" if mtype == TABLE else "images"
            raise UsageError(f"No program that takes {kind} is connected", next_step="start TOPCAT, Aladin or DS9")
        client.notify_all({"samp.mtype": mtype, "samp.params": {"url": path.absolute().as_uri(), "name": name}})
        return names
    finally:
        client.disconnect()


def _name(metadata: Mapping[str, str], key: str) -> str:
    return str(metadata.get("samp.name", key))
