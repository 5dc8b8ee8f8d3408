"""Formulas as MathML, which browsers draw themselves: no network, no script, and screen readers read it."""

from html import escape

from docutils import nodes
from latex2mathml.converter import convert


def _inline(self, node: nodes.math) -> None:
    self.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _block(self, node: nodes.math_block) -> None:
    name = f' id="{escape(node["ids"][0])}"' if node.get("ids") else ""
    style = "margin: 0.8em 0; overflow-y: hidden"  # the theme would show a scroll bar beside every fraction
    self.body.append(f'<div class="math"{name} style="{style}">{convert(node.astext(), display="block")}</div>')
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True}
