"""Code that runs when the pages are built, beside what it printed and drew: nothing shown is written by hand.

``.. printed::`` runs its content. All blocks of one page share their names. Options: ``:code:`` is ``shown`` (default)
or ``hidden``; ``:alt:`` describes the figure, if the code draws one.
"""

import contextlib
import io

import matplotlib
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

FOLDER = "_pictures"


class Printed(SphinxDirective):
    """Run a block; show the code, then the output, then the figures."""

    has_content = True
    option_spec = {
        "code": lambda given: directives.choice(given, ("shown", "hidden")),
        "alt": directives.unchanged_required,
    }

    def run(self):
        names = self.env.temp_data.setdefault("printed", {})
        code, out = "\n".join(self.content), io.StringIO()
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt

        try:
            with contextlib.redirect_stdout(out):
                exec(compile(code, f"{self.env.docname}, line {self.lineno}", "exec"), names)
        except Exception as error:
            raise self.error(f"the code failed: {type(error).__name__}: {error}") from error
        result = []
        if self.options.get("code", "shown") == "shown":
            result.append(nodes.literal_block(code, code, language="python"))
        if out.getvalue().strip():
            text = out.getvalue().rstrip()
            result.append(nodes.literal_block(text, text, language="text", classes=["printed"]))
        result += [self._picture(plt.figure(number)) for number in plt.get_fignums()]
        plt.close("all")
        return result

    def _picture(self, figure):
        folder = self.env.srcdir / FOLDER
        folder.mkdir(exist_ok=True)
        name = f"{self.env.docname.replace('/', '_')}_{self.env.new_serialno('printed')}.svg"
        figure.savefig(folder / name, bbox_inches="tight", metadata={"Date": None})
        return nodes.image(uri=f"/{FOLDER}/{name}", alt=self.options.get("alt", ""), classes=["picture"])


def setup(app):
    app.add_directive("printed", Printed)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
