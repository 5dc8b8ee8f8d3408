"""The command line: one file per command."""

from jominy.cli.signals import is_command, take_over

if is_command():  # before anything else is imported
    take_over()
