"""Every setting of Kamerton: its meaning, its default and its allowed range, in one home; a theme a file.

Functions take their defaults from here, and commands their options: the docstring of a field is the help of its option.
A bad value is refused where the dataclass is built. ``None`` means "off" or "take it from the data".
The settings of a recipe have no default here: their home is its file in ``recipes/``.
"""
