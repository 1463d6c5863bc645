"""Słowa galerii po polsku."""

WORDS = {
    "decimal": ",",
    "percent": "{percent}%",
    "heading": "Najbardziej podobne do {name} w oczach sieci, wśród galaktyk z {where} (jest ich {count})",
    "query": "dla niej szukano",
    "distance": "{rank}. odległość {distance}",
    "same": "{rank}. chyba ta sama",
    "true": "oznaczona: {name}",
    "gone": "obrazu już nie ma",
}
