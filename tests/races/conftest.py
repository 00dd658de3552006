"""A run without a report leaves out the test that makes the report's races."""


def pytest_ignore_collect(collection_path, config):
    """Leave out the searches for a report if there will be none."""
    if collection_path.name == "test_report.py" and not config.getoption("--report"):
        return True
    return None
