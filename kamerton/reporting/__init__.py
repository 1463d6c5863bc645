"""One self-contained page about a comparison, in English or Polish."""
