"""``.keras`` files, written through Keras and read without it."""
