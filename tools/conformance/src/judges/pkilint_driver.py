"""Runs pkilint's own command lines in one process: starting Python and loading pkilint costs ten times what a lint does.

Reads one JSON array a line: the name of a module in pkilint.bin and its arguments. Answers each with one JSON line: what it wrote to
standard output and to standard error.
"""

import contextlib
import importlib
import io
import json
import sys
import traceback

for line in sys.stdin:
    module, *arguments = json.loads(line)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            importlib.import_module(f"pkilint.bin.{module}").main(arguments)
        except SystemExit:
            pass
        except Exception:
            traceback.print_exc()
    print(json.dumps([out.getvalue(), err.getvalue()]), flush=True)
