"""Is the README's table of all calls that wait true, in every world?"""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path


def test_the_table_of_calls_is_what_happens():
    spec = spec_from_file_location("calls", Path(__file__).with_name("calls.py"))
    calls = module_from_spec(spec)
    spec.loader.exec_module(calls)
    text = calls.README.read_text("utf-8")
    made = calls.table(calls.try_worlds())
    assert text == calls.with_table(text, made), (
        "run `python tests/outside/calls.py --update` to write the table again"
    )
