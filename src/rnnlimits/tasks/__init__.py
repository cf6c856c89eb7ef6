"""One file per task; a file's name is the name in the config, the rows and the figures."""
