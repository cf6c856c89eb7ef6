"""One file per architecture; a file's name is the name in the config, the rows and the figures."""
