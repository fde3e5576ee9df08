"""Runs the settings in sys.argv[1] once for every environment: one process, a namespace each.

Reads {variable: [value or null, ...]} from stdin and writes a JSON line for every
combination, in the order of itertools.product.
"""
import contextlib
import io
import itertools
import json
import os
import sys

SENTRYS_OWN = {"SENTRY_NODESTORE": "django", "SENTRY_SEARCH": "snuba"}

with open(sys.argv[1]) as file:
    code = compile(file.read(), sys.argv[1], "exec")
variables = json.load(sys.stdin)

for values in itertools.product(*variables.values()):
    for name, value in zip(variables, values):
        os.environ.pop(name, None)
        if value is not None:
            os.environ[name] = value
    namespace = {"__builtins__": __builtins__, **SENTRYS_OWN}
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        exec(code, namespace)
    del namespace["__builtins__"]
    print(json.dumps({"settings": namespace, "stdout": stdout.getvalue(), "stderr": stderr.getvalue()}))
