"""What the README shows is what its code prints."""

import contextlib
import io
import re
from pathlib import Path

README = (Path(__file__).parent.parent / "README.md").read_text()


def test_the_example_prints_what_is_shown():
    code = re.search(r"```python\n(.*?)```", README, re.S).group(1)
    shown = re.search(r"```text\n(.*?)```", README, re.S).group(1)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code, {})  # the example of the README, which is ours
    assert printed.getvalue() == shown
