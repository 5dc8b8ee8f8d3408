"""``{command-help} NAME`` in a page: what ``jominy NAME --help`` prints, taken from the program itself."""

import argparse
import os

from docutils import nodes
from docutils.parsers.rst import Directive


class CommandHelp(Directive):
    optional_arguments = 1

    def run(self):
        os.environ["COLUMNS"] = "100"  # argparse wraps at the width of the terminal
        from jominy.cli.main import parser

        root = parser()
        if self.arguments:
            (commands,) = (a for a in root._actions if isinstance(a, argparse._SubParsersAction))
            root = commands.choices[self.arguments[0]]
        return [nodes.literal_block(text := root.format_help(), text, language="text")]


def setup(app):
    app.add_directive("command-help", CommandHelp)
    return {"parallel_read_safe": True}
