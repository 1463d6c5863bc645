"""Słowa raportu po polsku."""

WORDS = {
    "lang": "pl",
    "decimal": ",",
    "thousands": "\u00a0",
    "title": "Która sieć najlepiej klasyfikuje te galaktyki?",
    "made": "Wykonano programem Kamerton {version}, {date}",
    "finding": "Wynik",
    "best_shown": "Sieć {best} jest lepsza od każdej innej z porównywanych sieci.",
    "best_partly": "Sieć {best} (dokładność {value}) jest lepsza od sieci {worse}; nie wykazano, by różniła się od sieci {others}.",
    "one_seed": "Niektóre z nich mają tylko jedno ziarno, a inne mogłoby dać inny wynik.",
    "tie": "Nie wykazano, by sieć {best} (dokładność {value}, tu największa) różniła się od sieci {others}.",
    "all_guess": "Nie wykazano, by którakolwiek sieć była lepsza od zgadywania.",
    "only_guess": "Nie wykazano, by sieć {names} była lepsza od zgadywania.",
    "some_guess": "Nie wykazano przewagi nad zgadywaniem w przypadku sieci {names}.",
    "and": "i",
    "only_one": "Sieć {best} osiąga dokładność {value}. Przy jednej sieci nie ma czego porównywać.",
    "warnings": "Przeczytaj najpierw",
    "of one galaxy": "1 galaktyki",
    "of galaxies": "{galaxies} galaktyk",
    "leakage": "{run}: TO NIE JEST TEST: z {galaxies} przebieg widział już: {seen}",
    "leakage unknown": "{run}: NIE WIADOMO, CZY TO TEST: nie zapisano, na których galaktykach uczono te wagi",
    "leakage likely": "{run}: BYĆ MOŻE TO NIE JEST TEST: z {galaxies} przebieg mógł już widzieć: {seen}",
    "leakage not compared": "{run}: NIE WIADOMO, CZY TO TEST: z {galaxies} nie rozpoznano żadnej, ale nie można było porównać obrazów",
    "leakage details": " (rozpoznane wcześniej: {checks})",
    "leakage look": " (rozpoznane wcześniej: {checks}; pary wypisuje `kamerton data check`)",
    "check not known": "{check}: nie wiadomo",
    "check found": "{check}: {found}",
    "check found in part": "{check}: {found} (nie wiadomo dla {unknown})",
    "pixels": "piksele",
    "id": "identyfikator",
    "position": "położenie",
    "overlap": "nakładające się pola",
    "likeness": "podobieństwo obrazu",
    "seen_in": "{count} (zbiór {split})",
    "unfinished": "{run}: pominięto, bo uczenie nie dobiegło końca",
    "not tested": "{run}: pominięto, bo przebiegu nigdy nie testowano",
    "same seed": "{run}: to samo ziarno ma już inny z przebiegów tej sieci, więc nie jest to powtórzenie, a rozrzut między ziarnami jest zaniżony",
    "views differ": "część przebiegów odpowiadała z ośmiu widoków, a część z jednego",
    "precision differs": "część przebiegów liczyła na liczbach ośmiobitowych, a część w float32",
    "results": "Wyniki na zbiorze testowym",
    "results_note": "Liczba galaktyk: {galaxies}, plik {dataset}{groups}. Pod każdą wartością jej przedział 95% z {resamples} "
    "prób bootstrapowych po galaktykach i ziarnach losowości, dla dokładności co najmniej przedział Wilsona; "
    "gdy w każdej klasie dobre są wszystkie odpowiedzi albo żadna, dla średnich po klasach co najmniej ten, który wynika z przedziałów Wilsona klas; ± oznacza rozrzut między ziarnami.",
    "groups": ", liczba grup przedstawiających tę samą galaktykę: {groups}",
    "network": "Sieć",
    "seeds": "Ziarna",
    "accuracy": "Dokładność",
    "balanced_accuracy": "Dokładność zrównoważona",
    "macro_f1": "Makro F1",
    "log_loss": "Strata logarytmiczna, naty",
    "differences": "Różnice",
    "differences_note": "Pierwsza minus druga, na tych samych próbach. Wartość p pochodzi z dokładnego testu McNemara między "
    "średnimi odpowiedziami ziaren; liczba porównań, na którą liczona jest poprawka Holma: {pairs}. Różnicę uznaje się za "
    "wykazaną, gdy przedział nie zawiera zera, a p po poprawce jest mniejsze niż {limit}.",
    "pair": "Sieci",
    "difference": "Różnica dokładności",
    "only_right": "Tylko jedna ma rację",
    "p_value": "p",
    "p_adjusted": "p po poprawce Holma",
    "corrected_p": "p po poprawce",
    "verdict": "Wniosek",
    "better": "lepsza: {better}",
    "no_difference": "nie wykazano różnicy",
    "certainty": "Na ile można ufać prawdopodobieństwom",
    "certainty_note": "Wszystkie miary w najlepszym razie są zerem. ECE, błąd kalibracji klasy przewidzianej, to średnia "
    "kwadratowa po 15 przedziałach o równej liczbie galaktyk, bez tego, co daje sam przypadek; gładkie ECE nie potrzebuje "
    "przedziałów. Przedziały ufności 95%, po galaktykach.",
    "probabilities": "Prawdopodobieństwa",
    "uncalibrated": "takie, jak podaje sieć",
    "calibrated": "skalibrowane na {cube}",
    "calibrated_here": "skalibrowane na {cube}, na tych samych galaktykach: to nie test",
    "brier": "Wynik Briera",
    "ece": "ECE",
    "smooth_ece": "Gładkie ECE",
    "sets_note": "Zbiory klas skalibrowane tak, by dla galaktyk każdej klasy zbiór zawierał ich klasę tak często, jak obiecano. "
    "Gwiazdka (*): klasa była zbyt rzadka, więc obietnica dotyczy rzadkich klas łącznie.",
    "promised": "Obiecano",
    "held": "Zbiór zawiera klasę",
    "set_size": "Klas w zbiorze",
    "cost": "Koszt",
    "cost_note": "Działania policzono na grafie sieci, mnożenie z dodawaniem jako dwa. Czasy pochodzą z maszyny podanej niżej; "
    "warto je porównywać tylko wtedy, gdy nie robiła nic innego.",
    "parameters": "Parametry",
    "flops": "GFLOP na obraz",
    "training_seconds": "Uczenie, s",
    "images_a_second": "Obrazy na sekundę",
    "peak_memory": "Szczyt pamięci, MiB",
    "pictures": "Wykresy",
    "explained": "Dlaczego sieci tak mówią",
    "explained_layer": "{run}, {dataset}: {method} w warstwie {layer}; liczba objaśnionych galaktyk: {galaxies}.",
    "explained_pixels": "{run}, {dataset}: {method}; liczba objaśnionych galaktyk: {galaxies}.",
    "gallery": "{run}: co przemawia za klasą {name}.",
    "data": "Dane",
    "split": "Zbiór",
    "galaxies": "Galaktyki",
    "cube": "Kostka",
    "fingerprint": "Odcisk (SHA-256)",
    "train": "uczący",
    "valid": "walidacyjny",
    "test": "testowy",
    "class": "Klasa",
    "in_test": "W zbiorze testowym",
    "settings": "Ustawienia",
    "recipe": "Przepis",
    "epochs": "Epoki",
    "batch": "Paczka",
    "image": "Obraz, px",
    "chosen": "Wagi wybrano na",
    "views": "Uśrednione widoki",
    "runs": "Przebiegi",
    "run": "Przebieg",
    "seed": "Ziarno",
    "epoch_kept": "Zachowana epoka",
    "device": "Urządzenie",
    "threads": "Wątki",
    "weights": "Wagi (SHA-256)",
    "versions": "Wersje",
    "limits": "Granice tego, co wykazano",
    "limit_data": "Wynik dotyczy galaktyk podobnych do tych. Inny przegląd, inna głębia, seeing czy przesunięcie ku czerwieni to "
    "inne pytanie.",
    "limit_labels": "Etykiety uznano za prawdziwe. Jeśli pochodzą z głosowania, część błędów należy do nich.",
    "limit_seeds_one": "Niektóre sieci mają tylko jedno ziarno; nie wiadomo, ile zmieniłoby inne.",
    "limit_seeds": "Przedział obejmuje wybór galaktyk oraz, z kilku ziaren, w przybliżeniu wybór ziarna.",
    "limit_recipe": "Sieci uczono według podanego przepisu. Inny przepis może ustawić je w innej kolejności.",
    "limit_leakage": "Wśród galaktyk, na których uczono sieci, nie znaleziono żadnej z testu{details}.",
    "limit_test": "Im częściej zagląda się do zbioru testowego, tym mniej jest on testem; nie zapisano, jak często to robiono.",
    "limit_groups": "Test McNemara traktuje galaktyki jako niezależne, także te z jednej grupy.",
    "limit_valid": "Tam, gdzie wagi wybrano na zbiorze walidacyjnym, jego własne wyniki na krzywych uczenia są zawyżone.",
    "imported": "zaimportowana",
    "none": "–",
}

CAPTIONS = {
    "learning_curves": "Krzywe uczenia wszystkich przebiegów.",
    "cost": "Dokładność a liczba działań na obraz, z przedziałami 95%.",
    "recall": "Czułość w każdej klasie, z przedziałami 95%.",
    "confusion": "Macierze pomyłek, średnie po ziarnach; liczby to procent prawdziwej klasy.",
    "reliability": "Jak często każda sieć ma rację (dokładność), gdy podaje, jak jest pewna (pewność); pierwszy przebieg każdej.",
    "hard_galaxies": "Galaktyki, w których myli się każda sieć, najpewniejsze pomyłki najpierw. Część etykiet może być błędna.",
}
"""The caption of each of a comparison's FIGURES."""

FIGURE_TEXTS = {
    "epoch": "epoka",
    "confidence": "pewność",
    "accuracy, with 95% intervals": "dokładność, z przedziałami 95%",
    "{network}, calibrated": "{network}, skalibrowana",
    "accuracy": "dokładność",
    "loss (nats an image)": "strata (naty na obraz)",
    "learning rate": "współczynnik uczenia",
    "solid: validation, dashed: training": "ciągła: walidacja, przerywana: uczenie",
    "share of the true class": "udział w prawdziwej klasie",
    "predicted class": "klasa przewidziana",
    "true class": "klasa prawdziwa",
    "true class (galaxies)": "klasa prawdziwa (galaktyki)",
    "operations an image (GFLOP)": "działania na obraz (GFLOP)",
    "recall: share of the class that is found": "czułość: odnaleziona część klasy",
    "the {shown} hardest of {classes} classes": "najtrudniejsze klasy: {shown} z {classes}",
    "Wrong in every network: {wrong} of 1 galaxy": "Galaktyki, w których myli się każda sieć: {wrong} z 1",
    "Wrong in every network: {wrong} of {galaxies} galaxies": "Galaktyki, w których myli się każda sieć: {wrong} z {galaxies}",
    "{galaxy}\ntrue {label}\nsaid {answer}": "{galaxy}\nprawdziwa: {label}\nwskazana: {answer}",
}
"""Texts of the figures, whole; names in braces stand for numbers and names that stay as they are."""

_NUMBERS = (
    "stała odpowiedź „{class_name}” ma dokładność {share}, a sieć różni się od niej o {difference} (od {low} do {high}), test "
    "McNemara {first_only} : {second_only}, p = {p}; kappa Cohena {kappa} (od {kappa_low} do {kappa_high}; przy zgadywaniu 0)"
)

GUESS_WORDS = {
    "one class": "JEDNA KLASA DLA WSZYSTKICH: każdą galaktykę zaliczono do klasy „{only_class}”, więc dokładność {accuracy} to "
    "tylko udział tej klasy",
    "guessing": "NIE WYKAZANO PRZEWAGI NAD ZGADYWANIEM: " + _NUMBERS,
    "no better": "NIE WYKAZANO, BY SIEĆ MIAŁA RACJĘ CZĘŚCIEJ NIŻ STAŁA ODPOWIEDŹ „{class_name}”, choć rozróżnia klasy: "
    + _NUMBERS,
    "better": _NUMBERS,
}
"""Czy sieć jest lepsza od zgadywania."""

TRAITS = {
    "recipe": "{value}",
    "recipe.epochs": "epoki: {value}",
    "recipe.batch_size": "paczki po {value}",
    "recipe.weights_chosen_by": "wagi: {value}",
    "size": "{value} px",
    "channels": "kanały: {value}",
    "train": "uczona na {value}",
    "valid": "walidacja na {value}",
    "extended": "przedłużona z {value} epok",
    "not extended": "nieprzedłużana",
    "views": "uśrednione widoki: {value}",
    "precision": "{value}",
    "run": "{value}",
    "other": "{name} {value}",
    "without": "bez {name}",
    "imported": "zaimportowana",
}
"""Czym różni się ta sieć od innej o tej samej nazwie."""

DOUBTS = {
    "both": "przedział zawiera zero, a {p} nie jest mniejsze niż {limit}",
    "test": "przedział nie zawiera zera, ale {p} nie jest mniejsze niż {limit}",
    "correction": "przedział nie zawiera zera, ale przy tylu porównaniach ({comparisons}) o tak małe p łatwo przez przypadek",
    "interval": "{p} jest mniejsze niż {limit}, ale przedział zawiera zero; obejmuje on także wybór ziaren i grup",
}
"""Dlaczego różnicy nie uznano za wykazaną."""

CHOSEN = {
    "last epoch": "żadnym zbiorze: to wagi ostatniej epoki",
    "best val_loss": "walidacyjnym: epoka o najmniejszej stracie",
    "best val_accuracy": "walidacyjnym: epoka o największej dokładności",
    "unknown": "nie wiadomo: wagi zaimportowano",
}
