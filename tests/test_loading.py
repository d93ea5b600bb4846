from __future__ import annotations

import gc
import subprocess
import sys

from nightbook.loading import loading


def test_the_collector_rests_while_much_is_imported_and_then_works_on() -> None:
    with loading():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0
    gc.unfreeze()


def test_notebooks_are_validated_without_the_grammar_that_none_of_them_needs() -> None:
    code = (
        "import sys, nightbook.loading; nightbook.loading.skip_iri_grammar(); import nbformat;"
        "nbformat.validate(nbformat.v4.new_notebook()); print(sys.modules['rfc3987_syntax'], 'lark' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "None False\n"
