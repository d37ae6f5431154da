"""What keeps this repository in order: the docs generator, the checks of words, the breaker."""
