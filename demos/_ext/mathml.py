"""Mathematics as MathML, made when the pages are built: browsers draw it themselves, without a script or a network."""

import math_core
from docutils import nodes
from sphinx.util import logging

CONVERTER = math_core.LatexToMathML(fancy_error=False)


def _converted(node, display):
    try:
        return CONVERTER.convert_with_local_state(node.astext(), displaystyle=display)
    except math_core.LatexError as error:
        logging.getLogger(__name__).warning("%s in %r", error, node.astext(), location=node)
        return f"<code>{nodes.unescape(node.astext())}</code>"


def _inline(translator, node):
    translator.body.append(_converted(node, False))
    raise nodes.SkipNode


def _block(translator, node):
    translator.body.append(translator.starttag(node, "div", CLASS="math") + _converted(node, True) + "</div>\n")
    raise nodes.SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
