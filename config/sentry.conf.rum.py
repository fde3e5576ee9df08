# ---------------------------------------------------------------------------------
# mirror-router: reading from SLS.
#
# Append this to sentry/sentry.conf.py of self-hosted Sentry. (Not to
# sentry.conf.example.py alone: that one is only copied where no sentry.conf.py is.)
#
# web, web-rum and the workers all read that file. Which store they use is decided by
# their environment, and only web-rum has the SLS_* variables, so the others stay as
# they are. Nothing in the environment keeps Sentry from starting: what is wrong is
# named in the one line this prints, and the store of that part stays Sentry's own.
# The line goes to stderr, for scripts read what Sentry's commands write to stdout. It
# holds names of variables, and no value.
# ---------------------------------------------------------------------------------


def _rum_settings(environ):
    """Settings chosen by the environment, and the line that says which and why."""
    import re

    host = r"(https?://)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?/?"
    token = r"[^\s<>]+"
    problems = []

    def text(name, pattern, default=""):
        value = environ.get(name, "").strip() or default
        if re.fullmatch(pattern, value):
            return value
        if not value:
            problems.append(f"{name} is not set")
        elif re.search("<[^>]*>", value):
            problems.append(f"{name} is still a placeholder")
        else:
            problems.append(f"{name} is not valid")
        return None

    def switch(name):
        value = environ.get(name, "").strip().lower()
        if value not in ("", "true", "1", "yes", "on", "false", "0", "no", "off"):
            problems.append(f"{name} is neither true nor false (taken as false)")
        return value in ("true", "1", "yes", "on")

    def days(name, default):
        value = environ.get(name, "").strip() or str(default)
        if not re.fullmatch("[0-9]{1,5}", value):
            problems.append(f"{name} is not a number of days ({default} is used)")
            return default
        return int(value) or None

    node_store = switch("ENABLE_SLS_NODESTORE")
    group_search = switch("USE_SLS_GROUP_STORAGE")
    settings = {}
    if node_store or group_search:
        options = {
            "endpoint": text("SLS_ENDPOINT", host),
            "access_key_id": text("SLS_ACCESS_KEY_ID", token),
            "access_key_secret": text("SLS_ACCESS_KEY_SECRET", token),
            "project": text("SLS_PROJECT", "[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"),
            "logstore": text("SLS_LOGSTORE", "[a-z0-9][a-z0-9_-]*", "logstore-rum"),
            "compression": True,
            "retry_attempts": 3,
            "retry_delay": 0.5,
            "default_ttl_days": days("SLS_TTL", 30),
        }
        required = ("endpoint", "access_key_id", "access_key_secret", "project", "logstore")
        if all(options[name] for name in required):
            if node_store:
                settings["SENTRY_NODESTORE"] = "sentry_nodestore_sls.SLSNodeStorage"
                settings["SENTRY_NODESTORE_OPTIONS"] = options
            if group_search:
                settings["SENTRY_SEARCH"] = "sentry.search.sls.backend.SLSGroupSearchBackend"

    events = "SLS" if "SENTRY_NODESTORE" in settings else "PostgreSQL"
    issues = "SLS" if "SENTRY_SEARCH" in settings else "Snuba"
    line = f"mirror-router: events from {events}, issues from {issues}"
    if problems:
        line += f"; WARNING: {', '.join(problems)}"
    return settings, line


def _apply_rum_settings():
    import os
    import sys

    settings, line = _rum_settings(os.environ)
    globals().update(settings)
    print(line, file=sys.stderr, flush=True)


_apply_rum_settings()
del _apply_rum_settings, _rum_settings
