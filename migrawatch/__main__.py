"""`python -m migrawatch` is `migrawatch`."""

from migrawatch.cli.main import main

main()
