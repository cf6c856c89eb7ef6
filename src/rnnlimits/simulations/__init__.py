"""One file per numerical experiment that trains nothing by gradient descent."""
