"""``{parts-table} LOSSES`` in a page: all parts of one sort, as `jominy.parts` declares them."""

from docutils import nodes
from docutils.parsers.rst import Directive


def cells(part) -> tuple[str, str, str, str]:
    """Name in files, Python, what it is, settings: the row of a part."""
    from jominy.parts import REQUIRED

    told = []
    for setting in part.settings:
        default = "" if setting.default in (REQUIRED, None) else f" ({setting.default})"
        told.append(
            f"{setting.name}{default}: {setting.description}" if setting.description else setting.name + default
        )
    return part.name, part.class_name, part.description, "; ".join(told)


class PartsTable(Directive):
    required_arguments = 1

    def run(self):
        from jominy import parts

        titles, widths = ("in files", "in Python", "what it is", "settings (default)"), (14, 18, 34, 34)
        group = nodes.tgroup(cols=len(titles))
        group += [nodes.colspec(colwidth=width) for width in widths]
        head, body = nodes.thead(), nodes.tbody()
        head += self._row([nodes.paragraph(text=title) for title in titles])
        for part in getattr(parts, self.arguments[0]):
            name, python, *words = cells(part)
            code = [nodes.paragraph("", "", nodes.literal(text=text)) for text in (name, python)]
            body += self._row([*code, *(nodes.paragraph(text=text) for text in words)])
        group += [head, body]
        return [nodes.table("", group)]

    @staticmethod
    def _row(contents):
        return nodes.row("", *(nodes.entry("", content) for content in contents))


def setup(app):
    app.add_directive("parts-table", PartsTable)
    return {"parallel_read_safe": True}
