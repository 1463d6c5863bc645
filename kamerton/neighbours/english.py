"""The words of the gallery in English."""

WORDS = {
    "decimal": ".",
    "percent": "{percent}%",
    "heading": "What the network sees as most like {name}, among {count} galaxies of {where}",
    "query": "asked about",
    "distance": "{rank}. distance {distance}",
    "same": "{rank}. probably the same",
    "true": "labelled {name}",
    "gone": "no picture of it any more",
}
