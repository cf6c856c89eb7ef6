"""What several tests share: small configs, made-up rows, a copy of the repository, a browser."""
