"""What a config and a file of claims may say; every mistake is one line."""
