"""What a recipe may say; the defaults are the files in ``recipes/``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from kamerton.checks import Settings, ToldBy, require


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
        require(self.warmup_epochs >= 0, "warmup_epochs", self.warmup_epochs, "0 or more")
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
    """Share of a new batch in the running statistics of batch normalisation; absent: the network's own. 0: those of
    the learned start stay, and batches are normalised by them, as in a test."""
    augment: AugmentSettings | None = None
    """Absent: every image is shown as it is."""
    head_epochs: int = 0
    """Epochs at the beginning in which the last dense layer learns alone, at the whole learning rate; the schedule
    begins after them."""
    first_layer_rate: float | None = None
    """Share of the learning rate at which the first layer learns; those behind it at ever larger ones, the last at the
    whole (Howard & Ruder 2018). Absent: all learn at one rate."""
    average_decay: float | None = None
    """Share of the weights' moving average that stays at each step; the averages are what is tested and kept (Polyak &
    Juditsky 1992). Absent: the weights themselves are."""
    logit_adjustment: float = 0
    """Power of each class's share of the training galaxies that is taken out of what is learned, so that rare classes
    are decided for more often (Menon et al. 2021); 0: none, 1: as if all were alike frequent."""
    frozen: bool = False
    """The last dense layer alone learns, by logistic regression on features that are computed once; an epoch is a
    strength of its penalty, and of all else here only the choice of the weights counts."""

    @property
    def keeps_statistics(self) -> bool:
        """Whether batch normalisation stays as the start has learned it."""
        return self.norm_momentum == 0 and not self.frozen

    def check(self) -> None:
        require(self.epochs >= 1, "epochs", self.epochs, "1 or more")
        require(1 <= self.batch_size <= 65536, "batch size", self.batch_size, "1 to 65536 images")
        require(0 <= self.label_smoothing < 1, "label_smoothing", self.label_smoothing, "0 to less than 1")
        require(0 <= self.dropout < 1, "dropout", self.dropout, "0 to less than 1")
        momentum = self.norm_momentum
        require(momentum is None or 0 <= momentum <= 1, "norm_momentum", momentum, "0 to 1")
        epochs = f"0 to {self.epochs - 1}, fewer than all epochs"
        require(0 <= self.head_epochs < self.epochs, "head_epochs", self.head_epochs, epochs)
        rate, decay = self.first_layer_rate, self.average_decay
        require(rate is None or 0 < rate <= 1, "first_layer_rate", rate, "more than 0 and at most 1")
        require(0 <= self.logit_adjustment <= 2, "logit_adjustment", self.logit_adjustment, "0 to 2")
        require(decay is None or 0 < decay < 1, "average_decay", decay, "more than 0 and less than 1")
