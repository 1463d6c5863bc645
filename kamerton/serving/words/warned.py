"""Warnings of known wording in the language of the page; all others are shown as they are."""

from __future__ import annotations

import re

from kamerton.config.serving import LANGUAGES

KNOWN: dict[str, dict[str, str]] = {
    "pl": {
        r"(?P<where>.+): no more than (?P<left>\d+) galax(y|ies) left to be labelled": "{where}: tylko tyle galaktyk zostało do etykietowania: {left}. Jeśli to wystarczy, nic nie trzeba robić.",
        r"(?P<where>.+): bands of light in FITS, and (?P<run>.+) learned from pictures, whose pixels came as bytes": "{where}: pasma światła w FITS, a sieć {run} uczyła się na obrazach (JPEG, PNG), których piksele przyszły jako bajty. Wybierz sieć, która uczyła się na wycinkach FITS, albo daj obrazy.",
        r"(?P<where>.+): pictures, whose pixels came as bytes, and (?P<run>.+) learned from bands of light in FITS": "{where}: obraz, którego piksele przyszły jako bajty, a sieć {run} uczyła się na pasmach światła w FITS. Wybierz sieć, która uczyła się na obrazach, albo daj wycinki FITS.",
        r"(?P<where>.+): none of the (?P<count>\d+) galax(y|ies) that are labelled already is in it": "{where}: nie ma w nim żadnej z galaktyk już etykietowanych (jest ich {count}). Sprawdź, czy oba pliki nazywają galaktyki tak samo, inaczej trzeba będzie decydować o nich jeszcze raz.",
        r"(?P<where>.+): not calibrated, so that how sure the network is stands on its own word": "{where}: katalog nie jest skalibrowany, więc o tym, jak pewna jest sieć, mówi tylko ona sama. Skalibruj przebieg na galaktykach, których sieć nie widziała (`kamerton calibrate`), i uruchom `kamerton predict` ponownie.",
        r"(?P<where>.+): without features, so that the galaxies may all be of one kind": "{where}: katalog nie ma cech, więc wszystkie wybrane galaktyki mogą być jednego rodzaju. To, co je różni, zapisuje `kamerton predict --features all`.",
        r"(?P<where>.+): not known which of its galaxies the run has learned from, and they may be asked for": "{where}: nie wiadomo, na których z tych galaktyk uczyła się sieć, więc i one mogą się pojawić. Przebieg można wskazać w `kamerton next --run`.",
        r"(?P<where>.+): its weights came from elsewhere, so that it is not known which galaxies they learned from": "{where}: wagi pochodzą skądinąd, więc nie wiadomo, na jakich galaktykach się uczyły.",
        r"(?P<where>.+): labels that are no classes of this catalogue\. Received: (?P<labels>.+)\. Allowed: (?P<classes>.+)\. Next: .+": "{where}: etykiety, które nie są klasami tego katalogu: {labels}. Klasy to {classes}. Popraw je w pliku, inaczej te galaktyki pozostaną bez etykiety.",
        r"(?P<where>.+): its last line was cut, and is left out": "{where}: ostatnia linia jest urwana i została pominięta. Jeśli program, który ją pisał, został zabity, nic nie trzeba robić: poprzednia linia jest cała.",
        r"(?P<where>.+): its last line was cut, and is taken away": "{where}: ostatnia linia była urwana i została usunięta. Zdecyduj o tej galaktyce jeszcze raz.",
        r"(?P<doubtful>\d+) of (?P<count>\d+) galax(y|ies) in pictures of other sizes: not known whether they show as much of the sky as those that (?P<run>.+) learned from": "Obrazy innych rozmiarów: {doubtful} z {count}. Nie wiadomo, czy pokazują tyle nieba, co te, na których uczyła się sieć {run}: galaktyki powinny mieć w obu ten sam rozmiar kątowy.",
        r"(?P<where>.+): not known whether images show as much of the sky as those that (?P<run>.+) learned from": "{where}: nie wiadomo, czy obrazy pokazują tyle nieba, co te, na których uczyła się sieć {run}. Galaktyki powinny mieć w obu ten sam rozmiar kątowy.",
        r"(?P<run>.+) does not say how its pixels came to be: bands are stretched in Kamerton's usual way": "{run} nie mówi, jak powstały piksele: pasma rozciągnięto tak, jak Kamerton robi to zwykle. Sprawdź, czy obrazy, na których sieć się uczyła, powstały tak samo.",
        r"(?P<where>.+): nothing in its header says which bands its planes are, here and in the cutouts after it": "{where}: nagłówek nie mówi, jakie pasma są w płaszczyznach, ani tu, ani w następnych wycinkach. Zapisz ich nazwy w nagłówkach, np. BANDS = 'grz'.",
    }
}
"""By language, of what a line begins with, up to a full stop: the sentence, with what is named in it."""


def warned(line: str, lang: str) -> tuple[str, str]:
    """Give a warning in a language where its wording is known, and the language that it is in then."""
    for pattern, sentence in KNOWN.get(lang, {}).items():
        found = re.match(rf"{pattern}\. ?", line)
        if found:
            return sentence.format(**found.groupdict()), lang
    return line, LANGUAGES[0]
