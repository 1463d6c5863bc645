"""The notebook's AlexNet, written anew in Keras from the table of its layers: the witness in the tests."""

from __future__ import annotations

from typing import Any


def alexnet_in_keras(keras: Any, size: int, classes: int = 10, channels: int = 3, dropout: float = 0.5) -> Any:
    """Build the notebook's network as the notebook does."""
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((size, size, channels)),
            layers.Conv2D(96, 11, strides=4, activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(3, strides=2),
            layers.Conv2D(256, 5, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(3, strides=2),
            layers.Conv2D(384, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.Conv2D(384, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.Conv2D(256, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(3, strides=2),
            layers.Flatten(),
            layers.Dense(4096, activation="relu"),
            layers.Dropout(dropout),
            layers.Dense(classes, activation="softmax"),
        ]
    )
