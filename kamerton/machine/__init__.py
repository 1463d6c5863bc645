"""The machine: devices, memory, and how a step is computed on it."""
