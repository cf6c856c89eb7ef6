"""One file per figure: `draw(tables) -> Figure`."""
