"""Every setting of Kamerton: its meaning, its default and its allowed range, in one home.

Functions take their defaults from here, and commands their options: the docstring of a field is the help of its option.
A bad value is refused where the dataclass is built. ``None`` means "off" or "take it from the data".
The settings of a recipe have no default here: their home is its file in ``recipes/``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, get_args

from kamerton.checks import Settings, ToldBy, require

SEEDS = "a whole number from 0 to 4294967295"

SPLIT_NAMES = ("train", "valid", "test")

Device = Literal["auto", "cpu", "cuda"]
"""Where to compute; auto takes a CUDA GPU where there is one."""

DEVICES: tuple[Device, ...] = get_args(Device)
DEFAULT_DEVICE: Device = "auto"

Convolutions = Literal["auto", "plain", "tiles"]
"""How the CPU computes convolutions; auto takes tiles where this PyTorch has them."""

CONVOLUTIONS: tuple[Convolutions, ...] = get_args(Convolutions)

REPORT_PAGE = Path("report.html")
"""Where a report is written."""

DEMO_FOLDER = Path("demo")
"""Where the demo works."""

DOWNLOAD_FOLDER = Path()
"""Where downloads are put."""

PATH_COLUMN = "path"
"""Column of a list that holds the paths of pictures."""

PIXEL_SCALE = 255.0
"""Pixels are divided by this on their way into a network: the notebook's scaling to 0..1."""


MAX_SIDE = 4096
"""Side of the largest image in pixels; what has more than its square in pixels is no single galaxy."""

SMALLEST_SIDE = 8
"""Side of the smallest image that pictures are cropped or resized to, pixels."""

WAVELENGTH_ORDER = "ugrizy"
"""Bands that need not be given in order, from blue to red."""

MAX_RESULTS_NAME_BYTES = 200
"""Of a folder's name, beside which an unfinished one has a longer name still; file systems allow 255."""

MAX_BAND_NAME = 12
"""Letters in the name of a band."""

SAME_GALAXY_ARCSEC = 1.0
"""Galaxies closer than this on the sky are one galaxy: surveys agree in places to a tenth of it."""

OVERLAP_ARCSEC = 33.5
"""Pictures of galaxies closer than this on the sky show each other's; half of Galaxy10's field of 67 arcsec."""


def _is_shown(name: str) -> bool:
    return name.isprintable() and name.strip() == name != ""


def require_radius(setting: str, radius_arcsec: float | None) -> None:
    """Refuse a radius on the sky that is none (UsageError); None is off."""
    holds = radius_arcsec is None or (math.isfinite(radius_arcsec) and 0 < radius_arcsec <= 3600)
    require(holds, setting, radius_arcsec, "more than 0 and at most 3600 arcsec")


@dataclass(frozen=True)
class SynthSettings(Settings):
    """A synthetic survey."""

    count: int = 3000
    """Galaxies in the whole survey, before it is split."""
    size: int = 64
    """Side of a cutout, pixels."""
    seed: int = 0
    """Same seed, same survey."""

    def check(self) -> None:
        require(self.count >= 1, "count", self.count, "a whole number of galaxies, 1 or more")
        require(16 <= self.size <= 1024, "size", self.size, "16 to 1024 pixels")
        require(self.seed >= 0, "seed", self.seed, "a whole number, 0 or more")


@dataclass(frozen=True)
class SplitSettings(Settings):
    """How a cube is parted into train, valid and test."""

    fractions: tuple[float, float, float] = (0.64, 0.16, 0.20)
    """Shares of the galaxies for train, valid and test; the notebook's 64/16/20."""
    group_radius_arcsec: float | None = OVERLAP_ARCSEC
    """Galaxies closer than this on the sky overlap and stay together; half of Galaxy10's field of 67 arcsec."""
    group_column: str | None = None
    """Column of the catalogue whose equal values stay together."""
    seed: int = 0
    """Same seed, same split."""

    def check(self) -> None:
        whole = math.isclose(sum(self.fractions), 1.0, abs_tol=1e-9)
        positive = all(math.isfinite(f) and f > 0 for f in self.fractions)
        require(
            len(self.fractions) == 3 and whole and positive,
            "fractions",
            self.fractions,
            "three positive shares that add up to 1",
        )
        require_radius("group radius", self.group_radius_arcsec)
        require(self.seed >= 0, "seed", self.seed, "a whole number, 0 or more")


@dataclass(frozen=True)
class AuditSettings(Settings):
    """What is looked for in cubes and lists."""

    radius_arcsec: float | None = SAME_GALAXY_ARCSEC
    """Galaxies closer than this on the sky are one galaxy, listed twice."""

    def check(self) -> None:
        require_radius("radius", self.radius_arcsec)


@dataclass(frozen=True)
class CompareSettings(Settings):
    """How networks are compared."""

    dataset: str | None = None
    """Which test to compare, where the runs share several."""
    resamples: int = 2000
    """Bootstrap samples behind each interval; the ends of a 95% interval have 50 of 2000 beyond."""
    seed: int = 0
    """Same seed, same intervals."""

    def check(self) -> None:
        require(200 <= self.resamples <= 1_000_000, "resamples", self.resamples, "200 to 1000000")
        require(self.seed >= 0, "seed", self.seed, "a whole number, 0 or more")


@dataclass(frozen=True)
class ReportSettings(CompareSettings):
    """What a report is about, and for whom."""

    lang: str = "en"
    """Language: en or pl."""


@dataclass(frozen=True)
class EvaluateSettings(Settings):
    """How a run is tested on a cube."""

    by: str | None = None
    """Column of the catalogue whose groups are also measured apart."""
    eight_views: bool = False
    """Average over the turns and mirror images of each galaxy."""
    int8: bool = False
    """Compute in eight-bit integers: faster on the CPU, and about one label in a hundred or less is another."""
    device: Device = DEFAULT_DEVICE
    """Where to compute; auto takes a CUDA GPU where there is one."""
    name: str | None = None
    """Name of the results, and of their folder; by default that of the cube's file."""

    def check(self) -> None:
        name = "test" if self.name is None else self.name
        plain = _is_shown(name) and not name.startswith(".") and not set(name) & set("/\\")
        holds = plain and len(name.encode()) <= MAX_RESULTS_NAME_BYTES
        allowed = f"a plain name of at most {MAX_RESULTS_NAME_BYTES} bytes, without / and without a dot before it"
        require(holds, "name", self.name, allowed)


SetMethod = Literal["lac", "aps"]
"""How classes enter a set: the smallest sets (lac), or larger ones for galaxies that are hard (aps)."""


@dataclass(frozen=True)
class CalibrateSettings(Settings):
    """How a run is calibrated on a cube."""

    coverage: float = 0.9
    """Share of each class's galaxies whose set is to hold their class."""
    method: SetMethod = "lac"
    """How classes enter a set: the smallest sets (lac), or larger ones for galaxies that are hard (aps)."""
    eight_views: bool = False
    """For predictions that are averaged over the turns and mirror images of each galaxy."""
    int8: bool = False
    """For predictions that are computed in eight-bit integers."""
    device: Device = DEFAULT_DEVICE
    """Where to compute; auto takes a CUDA GPU where there is one."""

    def check(self) -> None:
        require(0.5 <= self.coverage <= 0.999, "coverage", self.coverage, "0.5 to 0.999")


FeatureKind = Literal["all", "axes"]
"""Which numbers of a network describe a galaxy: those that its last layer is given, or a place among known galaxies."""


@dataclass(frozen=True)
class PredictSettings(Settings):
    """How galaxies are labelled by a run."""

    eight_views: bool = False
    """Average over the turns and mirror images of each galaxy."""
    int8: bool = False
    """Compute in eight-bit integers: faster on the CPU, and about one label in a hundred or less is another."""
    device: Device = DEFAULT_DEVICE
    """Where to compute; auto takes a CUDA GPU where there is one."""
    path_column: str = PATH_COLUMN
    """Column of a list that holds the paths of the pictures."""
    shard_galaxies: int = 4096
    """Galaxies in a shard: what a kill can cost, and what one machine takes at a time."""
    ray: bool = False
    """Let all machines of a Ray cluster work on it; without RAY_ADDRESS, all processors of this machine."""
    features: FeatureKind | None = None
    """Add the numbers that the network decides from, by which galaxies are compared: all, as they are, or axes, at most
    129 of them, along the principal axes of the training galaxies (calibrated runs)."""

    def check(self) -> None:
        require(1 <= self.shard_galaxies <= 1_000_000, "shard_galaxies", self.shard_galaxies, "1 to 1000000")


ExplainMethod = Literal["hirescam", "gradcam", "occlusion", "integrated"]
"""How a map is made that says where a network saw what speaks for a class."""


@dataclass(frozen=True)
class ExplainSettings(Settings):
    """How it is told why a run says so."""

    method: ExplainMethod | None = None
    """How maps are made: hirescam, gradcam, occlusion, or integrated (gradients; extra `explain`); by default hirescam,
    and occlusion with --int8, which has no gradients."""
    count: int = 5
    """Galaxies in each row of a gallery: the surest of a class, the least sure, and the wrong ones."""
    eight_views: bool = False
    """Average answers and maps over the turns and mirror images of each galaxy."""
    int8: bool = False
    """Explain answers that are computed in eight-bit integers."""
    device: Device = DEFAULT_DEVICE
    """Where to compute; auto takes a CUDA GPU where there is one."""
    path_column: str = PATH_COLUMN
    """Column of a list that holds the paths of the pictures."""
    label_column: str = "label"
    """Column of a list or a catalogue that holds the true classes, where they are known."""
    lang: str = "en"
    """Language of the pictures: en or pl."""

    def check(self) -> None:
        require(1 <= self.count <= 50, "count", self.count, "1 to 50 galaxies")


@dataclass(frozen=True)
class BenchSettings(Settings):
    """What is measured."""

    networks: tuple[str, ...] = ("alexnet",)
    """Names in `kamerton networks`."""
    size: int = 256
    """Side of the images, pixels."""
    batch_size: int = 32
    """Images of a batch."""
    repeats: int = 5
    """Measurements that each rate is the median of."""

    def check(self) -> None:
        require(8 <= self.size <= 4096, "size", self.size, "8 to 4096 pixels")
        require(1 <= self.batch_size <= 4096, "batch size", self.batch_size, "1 to 4096 images")
        require(1 <= self.repeats <= 1000, "repeats", self.repeats, "1 to 1000")


@dataclass(frozen=True)
class TableSettings(Settings):
    """What the table of networks is for."""

    size: int = 256
    """Side of the images, pixels."""
    classes: int = 10
    """Number of classes."""

    def check(self) -> None:
        require(1 <= self.size <= 65536, "size", self.size, "1 to 65536 pixels")
        require(1 <= self.classes <= 1_000_000, "classes", self.classes, "1 to 1000000")


def band_names(text: str) -> tuple[str, ...]:
    """Part the names of bands at commas and spaces, and a word of u, g, r, i, z, y, such as grz, at each letter."""
    names = text.replace(",", " ").split()
    if len(names) == 1 and set(names[0].lower()) <= set(WAVELENGTH_ORDER):
        names = list(names[0])
    return tuple(name.lower() if name.lower() in WAVELENGTH_ORDER else name for name in names)


@dataclass(frozen=True)
class Framing(Settings):
    """What of their pictures the images of a cube show; with the pictures' pixel scale it is their field on the sky."""

    sides: tuple[int, int]
    """Shorter side of the pictures that were imported, pixels: of the smallest picture and of the largest."""
    kept: tuple[float, float]
    """Side of the central square that was kept of them, in pixels of these pictures: smallest and largest."""
    size: int
    """Side that it was resized to, pixels."""

    def check(self) -> None:
        require(1 <= self.sides[0] <= self.sides[1], "sides", self.sides, "the smallest and the largest, from 1")
        inside = all(0 < kept <= side for kept, side in zip(self.kept, self.sides, strict=True))
        require(inside and self.kept[0] <= self.kept[1], "kept", self.kept, "at most the sides of the pictures")
        require(1 <= self.size <= MAX_SIDE, "size", self.size, f"1 to {MAX_SIDE} pixels")

    def __str__(self) -> str:
        sides = _span(self.sides)
        return f"all {sides} pixels" if self.is_whole else f"the central {_span(self.kept)} of {sides} pixels"

    @property
    def is_whole(self) -> bool:
        """Whether nothing was cropped, but what makes a square."""
        return self.kept == self.sides


def _span(ends: tuple[float, float]) -> str:
    return " to ".join(f"{end:g}" for end in dict.fromkeys(ends))


@dataclass(frozen=True)
class PixelOrigin(Settings):
    """How the pixels of a cube came to be; part of the cube and of the run, so that it is never guessed later."""

    method: Literal["none", "asinh", "unknown"]
    """``none``: they came as bytes, in pictures; ``asinh``: bands of light, stretched after Lupton et al. (2004);
    ``unknown``: in a cube of another program, imported."""
    bands: tuple[str, ...] | None = None
    """Bands shown, from blue to red; None where nobody named them, and for pictures."""
    q: float | None = None
    """Softening Q; None for pictures."""
    stretch: float | None = None
    """Linear scale, in units of the bands; None where each cutout has its own, and for pictures."""
    framing: Framing | None = None
    """What of the pictures the images show; None where that is not known, as in older cubes."""

    def check(self) -> None:
        stretched = self.method == "asinh"
        require((self.q is not None) == stretched, "q", self.q, "a number with a stretch, and None without")
        require(self.q is None or 0 < self.q < math.inf, "q", self.q, "more than 0")
        require(self.stretch is None or (stretched and 0 < self.stretch < math.inf), "stretch", self.stretch, "above 0")
        bands = self.bands or ("g",)
        plain = all(name.isascii() and name.isprintable() and len(name) <= MAX_BAND_NAME for name in bands)
        require(plain and len(bands) in {1, 3} and all(bands), "bands", self.bands, "one or three short names")

    def __str__(self) -> str:
        if self.method == "unknown":
            return "pixels of another program's cube"
        if self.method == "none":
            return "pictures, whose pixels came as bytes"
        bands = "bands without names" if self.bands is None else f"bands {', '.join(self.bands)}"
        scale = "each cutout's own scale" if self.stretch is None else f"scale {self.stretch:g}"
        return f"{bands}, {self.method} stretch with Q {self.q:g} and {scale}"


@dataclass(frozen=True)
class PictureSettings(Settings):
    """How one picture or FITS cutout of any size becomes pixels of a cube."""

    size: int | None = None
    """Side of the cube's images, pixels; by default that of the first picture, which all must then share."""
    crop: int | None = None
    """Side of the central square that is kept before resizing, pixels; by default the largest square."""
    bands: str | None = None
    """Bands of FITS cutouts whose headers name none, in the order of the file's planes: grz, or F435W,F606W,F814W."""
    q: float = 8.0
    """Softening Q of the asinh stretch that turns float bands into pixels (Lupton et al. 2004, PASP 116, 133)."""
    stretch: float | None = None
    """Linear scale of that stretch, in its units; by default each cutout's own, from its noise and brightness."""

    def check(self) -> None:
        sides = f"{SMALLEST_SIDE} to {MAX_SIDE} pixels"
        require(self.size is None or SMALLEST_SIDE <= self.size <= MAX_SIDE, "size", self.size, sides)
        require(self.crop is None or SMALLEST_SIDE <= self.crop <= MAX_SIDE, "crop", self.crop, sides)
        bands = ("any",) if self.bands is None else band_names(self.bands)
        require(
            len(bands) in {1, 3} and len(set(bands)) == len(bands) and max(map(len, bands)) <= MAX_BAND_NAME,
            "bands",
            self.bands,
            "one band or three, such as r, grz, or F435W,F606W,F814W",
        )
        require(0 < self.q < math.inf, "q", self.q, "more than 0")
        require(self.stretch is None or 0 < self.stretch < math.inf, "stretch", self.stretch, "more than 0")


@dataclass(frozen=True)
class ImportSettings(PictureSettings):
    """How labelled galaxies of another form become a cube."""

    label_column: str = "label"
    """Column of a list that holds the labels."""
    path_column: str = PATH_COLUMN
    """Column of a list that holds the paths of the pictures."""
    skip_bad: bool = False
    """Leave out galaxies whose picture cannot be read, and list them in a CSV file beside the cube."""
    classes: tuple[str, ...] | None = None
    """Names of the classes in their order, with commas between; numbers are named in ascending order."""

    def check(self) -> None:
        super().check()
        names = self.classes
        require(
            names is None or (len(names) > 0 and len(set(names)) == len(names) and all(map(_is_shown, names))),
            "classes",
            names,
            "names that differ, of printable letters, without blanks at the ends",
        )


@dataclass(frozen=True)
class Preprocessing(Settings):
    """What happens to pixels on their way into a network; part of the run, so that it is never guessed later."""

    size: int
    """Side of the network's images, pixels; others are resized (bilinear, antialiased)."""
    channels: int
    """Channels of the network's images."""

    def check(self) -> None:
        require(1 <= self.size <= 4096, "size", self.size, "1 to 4096 pixels")
        require(1 <= self.channels <= 16, "channels", self.channels, "1 to 16 channels")


@dataclass(frozen=True, kw_only=True)
class _AnyAdam(Settings):
    """The numbers of every Adam."""

    learning_rate: float
    beta_1: float
    beta_2: float
    epsilon: float

    def check(self) -> None:
        require(self.learning_rate > 0, "learning_rate", self.learning_rate, "more than 0")
        require(0 <= self.beta_1 < 1, "beta_1", self.beta_1, "0 to 1")
        require(0 <= self.beta_2 < 1, "beta_2", self.beta_2, "0 to 1")
        require(self.epsilon > 0, "epsilon", self.epsilon, "more than 0")


@dataclass(frozen=True, kw_only=True)
class AdamSettings(_AnyAdam):
    """Adam (Kingma & Ba 2015) as Keras computes it, epsilon outside the bias correction."""

    name: Literal["adam"] = "adam"


@dataclass(frozen=True, kw_only=True)
class AdamWSettings(_AnyAdam):
    """Adam with weight decay apart from the gradient (Loshchilov & Hutter 2019), as PyTorch computes it."""

    name: Literal["adamw"] = "adamw"
    weight_decay: float
    """Of kernels; biases and the weights of normalisations do not decay."""

    def check(self) -> None:
        super().check()
        require(self.weight_decay >= 0, "weight_decay", self.weight_decay, "0 or more")


@dataclass(frozen=True, kw_only=True)
class PlateauSettings(Settings):
    """The words of Keras's ReduceLROnPlateau, with Keras's meaning of each."""

    name: Literal["plateau"] = "plateau"
    monitor: Literal["loss", "accuracy", "val_loss", "val_accuracy"]
    """The column of the history that is watched."""
    factor: float
    """The learning rate is multiplied by this when the monitored value stays on a plateau."""
    patience: int
    """Epochs without improvement before that happens."""
    min_delta: float
    """An improvement must be larger than this."""
    mode: Literal["auto", "min", "max"]
    """Which way is better; auto: accuracies up, losses down."""
    cooldown: int
    """Epochs to wait after a reduction before counting again."""
    min_lr: float
    """The learning rate goes no lower."""

    def check(self) -> None:
        require(0 < self.factor < 1, "factor", self.factor, "more than 0 and less than 1")
        require(self.patience >= 0, "patience", self.patience, "0 epochs or more")
        require(self.cooldown >= 0, "cooldown", self.cooldown, "0 epochs or more")
        require(self.min_lr >= 0, "min_lr", self.min_lr, "0 or more")


@dataclass(frozen=True, kw_only=True)
class CosineSettings(Settings):
    """A linear warm-up, and then half a cosine down (Loshchilov & Hutter 2017, without restarts)."""

    name: Literal["cosine"] = "cosine"
    warmup_epochs: float
    """Epochs until the highest learning rate."""
    final_share: float
    """The last step has this share of it."""

    def check(self) -> None:
        require(0 <= self.warmup_epochs < math.inf, "warmup_epochs", self.warmup_epochs, "0 or more")
        require(0 <= self.final_share <= 1, "final_share", self.final_share, "0 to 1")


@dataclass(frozen=True)
class AugmentSettings(Settings):
    """How a galaxy is shown otherwise each time; it has no up, so all turns and mirror images are the same galaxy."""

    turns: Literal["none", "eight", "any"]
    """``eight``: the turns by 90 degrees and their mirror images, exactly; ``any``: every angle, interpolated."""
    shift: float
    """At most this share of the side, along each axis."""
    zoom: float
    """At most by this factor larger or smaller; 1 is none."""

    def check(self) -> None:
        require(0 <= self.shift <= 0.5, "shift", self.shift, "0 to 0.5 of the side")
        require(1 <= self.zoom <= 4, "zoom", self.zoom, "1 to 4")


@dataclass(frozen=True)
class Recipe(Settings):
    """How a network is trained: one file of ``recipes/``, all of it resolved."""

    name: str
    epochs: int
    batch_size: int
    weights_chosen_by: Literal["last epoch", "best val_loss", "best val_accuracy"]
    """Which weights are kept; the notebook keeps those of the last epoch, so no split chose them."""
    label_smoothing: float
    """Share of each label that is spread over all classes (Szegedy et al. 2016)."""
    dropout: float
    """Share of the features before the last dense layer that is dropped, in networks that drop none themselves."""
    optimizer: Annotated[AdamSettings | AdamWSettings, ToldBy("name")]
    schedule: Annotated[PlateauSettings | CosineSettings, ToldBy("name")]
    """Of the learning rate."""
    norm_momentum: float | None = None
    """Share of a new batch in the running statistics of batch normalisation; absent: the network's own."""
    augment: AugmentSettings | None = None
    """Absent: every image is shown as it is."""

    def check(self) -> None:
        require(self.epochs >= 1, "epochs", self.epochs, "1 or more")
        require(1 <= self.batch_size <= 65536, "batch size", self.batch_size, "1 to 65536 images")
        require(0 <= self.label_smoothing < 1, "label_smoothing", self.label_smoothing, "0 to less than 1")
        require(0 <= self.dropout < 1, "dropout", self.dropout, "0 to less than 1")
        momentum = self.norm_momentum
        require(momentum is None or 0 < momentum <= 1, "norm_momentum", momentum, "more than 0 and at most 1")


@dataclass(frozen=True)
class LearningSettings(Settings):
    """What one training and a sweep of them have in common."""

    recipe: str | Recipe = "modern"
    """Name of a recipe, modern or notebook, or a path to one of your own that ends in .toml."""
    epochs: int | None = None
    """Passes over the training images; by default the recipe's."""
    batch_size: int | None = None
    """Images of a batch; by default the recipe's."""
    size: int | None = None
    """Side that images are resized to, pixels; by default the cube's own."""


@dataclass(frozen=True)
class TrainSettings(LearningSettings):
    """What a training asks for beside its data and its network."""

    seed: int = 0
    """Starting weights, order of the images and dropout all follow from it."""
    checkpoint_minutes: float | None = 10.0
    """Write a checkpoint when the last one is older; each epoch's end has one anyway."""
    checkpoint_steps: int | None = None
    """Write a checkpoint every so many batches."""
    deterministic: bool | None = None
    """Same seed, same bits; by default on the CPU, where it costs nothing, and not on a GPU."""
    device: Device = DEFAULT_DEVICE
    """Where to compute; auto takes a CUDA GPU where there is one."""
    convolutions: Convolutions = "auto"
    """How the CPU computes convolutions; tiles are faster, and auto takes them where this PyTorch has them."""

    def check(self) -> None:
        require(0 <= self.seed < 2**32, "seed", self.seed, SEEDS)
        minutes, steps = self.checkpoint_minutes, self.checkpoint_steps
        require(minutes is None or minutes > 0, "checkpoint minutes", minutes, "more than 0")
        require(steps is None or steps >= 1, "checkpoint steps", steps, "1 batch or more")


@dataclass(frozen=True, kw_only=True)
class SweepSettings(LearningSettings):
    """Which trainings a sweep is made of, and how they are tested."""

    networks: tuple[str, ...]
    """Names in `kamerton networks`."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Seeds; every network is trained with each."""
    eight_views: bool = False
    """Test with the mean over the turns and mirror images of each galaxy."""
    ray: bool = False
    """Spread the runs over a Ray cluster (extra `ray`)."""

    def check(self) -> None:
        require(all(0 <= seed < 2**32 for seed in self.seeds), "seeds", self.seeds, SEEDS)


@dataclass(frozen=True)
class DemoSettings(Settings):
    """The demo: small enough for three minutes on two cores, large enough that a network learns."""

    count: int = 2400
    """Galaxies in the survey."""
    size: int = 67
    """Side of a cutout, pixels: the smallest that AlexNet takes."""
    recipe: str = "modern"
    """The notebook's own leaves AlexNet near chance on so few galaxies."""
    epochs: int = 12
    """Instead of the recipe's."""
    batch_size: int = 32
    """Instead of the recipe's."""
    networks: tuple[str, ...] = ("alexnet", "lenet5")
    """Networks to train, in this order."""
    new_galaxies: int = 300
    """Galaxies without labels, for the catalogue at its end."""
    seed: int = 0
