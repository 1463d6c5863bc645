"""Where a training begins: with the weights of another run, of a file, of Kamerton's table, or of timm."""
