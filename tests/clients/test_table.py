"""Files that these tests vouch for. Runs last (conftest.py), when the others have filled the table."""
import json

import pytest

import addresses
import table as results


@pytest.mark.gateway
def test_the_document_shows_what_this_run_shows(table, pytestconfig):
    whole = results.is_whole(pytestconfig)
    if results.writes():
        table.write(whole)
    assert table.differing(whole) == [], 'look at it, then run again with WRITE_FILES=1'


@pytest.mark.direct
def test_the_addresses_for_freqtrade_are_those_of_the_ccxt_it_brings():
    if results.writes():
        addresses.write()
    assert json.loads(addresses.FILE.read_text()) == addresses.known()
