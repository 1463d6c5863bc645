"""The page in the browser: where it answers, who may ask, and how much."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from kamerton.checks import Settings, require

RUNS_FOLDER = Path("runs")
"""Below it the run folders are, unless another is named."""

LANGUAGES = ("en", "pl")
"""Languages of the page; the first is that of a browser that asks for none of them."""

FEWEST_SECRET_LETTERS = 8
"""A shorter password is soon guessed."""


@dataclass(frozen=True)
class ServeSettings(Settings):
    """Where the page answers, and to whom."""

    port: int = 8765
    """Port of the page; 0 takes any free one."""
    host: str = "127.0.0.1"
    """Address to answer at; another than this machine's own needs --password or --token."""
    password: str | None = None
    """Word that opens the page, besides the address that is printed."""
    token: str | None = None
    """Secret in the address that is printed; by default a random one."""
    open: bool = False
    """Open the page in a browser."""

    @property
    def is_local(self) -> bool:
        """Whether this machine alone reaches the address."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"

    def check(self) -> None:
        require(0 <= self.port <= 65535, "port", self.port, "0 to 65535")
        for name in ("password", "token"):
            secret = getattr(self, name)
            holds = secret is None or (len(secret) >= FEWEST_SECRET_LETTERS and secret.isprintable())
            # A secret is not repeated in a message.
            allowed = f"{FEWEST_SECRET_LETTERS} printable letters or more"
            require(holds, name, "a shorter one, or other letters", allowed)


@dataclass(frozen=True)
class Caps(Settings):
    """How much the page takes from a browser, and how long it waits."""

    upload_bytes: int = 100 * 2**20
    """All files of one request together."""
    form_bytes: int = 2**20
    """A request without files."""
    files: int = 200
    """Files of one request."""
    parts: int = 250
    """Parts of one form, files among them."""
    galaxies: int = 200
    """Galaxies of all files of one request; more are for `kamerton predict`."""
    hdus: int = 64
    """Of a FITS file; a labelled cube has three."""
    unpacked_bytes: int = 512 * 2**20
    """What the headers of a FITS file may promise, unpacked."""
    upload_seconds: float = 120
    """A whole request may take so long to arrive."""
    idle_seconds: float = 15
    """A request may pause so long while it arrives."""
    waiting: int = 32
    """Requests that wait for the network; more are told to come again."""
    retry_seconds: int = 2
    """When they are told to come again."""
    connections: int = 200
    """Connections at once."""
    closing_seconds: int = 2
    """How long a server that is ended waits for answers that have begun."""
    networks: int = 2
    """Networks that are kept in memory; of more, the one that was not asked for longest goes."""
    neighbours: int = 8
    """Galaxies of the training that are shown beside one."""
    looking_seconds: float = 0.5
    """How long the network looks at training galaxies before others get their turn."""
    kept_answers: int = 64
    """Answers that the server remembers for their downloads, pictures and maps."""
    kept_bytes: int = 256 * 2**20
    """What they hold together at most."""
    streams: int = 24
    """Pages that follow a training live, all of them together; each holds a connection."""
    look_seconds: float = 1.0
    """How often a training that is followed is looked at."""
    page_galaxies: int = 60
    """Galaxies of a cell of a confusion matrix that are shown at once."""
    drawn_bytes: int = 64 * 2**20
    """Figures that are kept once they were drawn."""
