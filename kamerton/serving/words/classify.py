"""The words of the part that classifies pictures."""

WORDS = {
    "en": {
        "nav": "Classify",
        "about": "One picture or many: the class, how sure, and why.",
        "title": "Classify galaxies",
    },
    "pl": {
        "nav": "Klasyfikuj",
        "about": "Jeden obraz lub wiele: klasa, jak pewna i dlaczego.",
        "title": "Klasyfikuj galaktyki",
    },
}
