"""The limit of open files, which a referee and its clients both raise."""

from __future__ import annotations


def allow_open_files(wanted: int, least: int | None = None) -> str:
    """Raise the limit of open files to ``wanted``, or as far as the system allows.

    If it allows fewer than ``least`` (default: ``wanted``), return why that is too few;
    otherwise return an empty string.
    """
    try:
        import resource
    except ModuleNotFoundError:  # Windows has no such limit
        return ""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return ""
    if hard != resource.RLIM_INFINITY:
        if hard < (least or wanted):
            return (
                f"{least or wanted} files must be open at once, but the hard limit is "
                f"{hard}: raise it (see ulimit -Hn)"
            )
        wanted = min(wanted, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        print(f"raised the limit of open files from {soft} to {wanted}", flush=True)
    return ""
