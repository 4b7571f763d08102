"""Stock of the played history."""

from __future__ import annotations

from medhavi.demo.simulation.simulation_state import StockLedger


def shelf() -> StockLedger:
    book = StockLedger()
    book.add("cream", "MILANO", 10, "L2", 200)
    book.add("cream", "MILANO", 5, "L1", 100)
    return book


def test_what_expires_first_is_taken_first():
    book = shelf()
    taken = book.take("cream", "MILANO", 7)
    assert [(lot.lot, lot.qty) for lot in taken] == [("L1", 5), ("L2", 2)]
    assert book.usable("cream", "MILANO") == 8


def test_more_than_there_is_gives_what_there_is():
    book = shelf()
    assert sum(lot.qty for lot in book.take("cream", "MILANO", 99)) == 15
    assert book.lots("cream", "MILANO") == []


def test_what_is_spoken_for_is_not_free():
    book = shelf()
    book.claim("cream", "MILANO", 6)
    assert book.free("cream", "MILANO") == 9
    book.claim("cream", "MILANO", -6)
    assert book.free("cream", "MILANO") == 15


def test_a_held_lot_is_neither_usable_nor_taken():
    book = shelf()
    book.hold("cream", "MILANO", book.lots("cream", "MILANO")[0])
    assert book.usable("cream", "MILANO") == 10
    assert [lot.lot for lot in book.take("cream", "MILANO", 1)] == ["L2"]


def test_a_count_corrects_what_is_usable():
    book = shelf()
    book.correct("cream", "MILANO", book.lots("cream", "MILANO")[0], 3)
    assert book.usable("cream", "MILANO") == 13


def test_the_same_lot_is_one_entry():
    book = shelf()
    book.add("cream", "MILANO", 4, "L1", 100)
    assert [lot.qty for lot in book.lots("cream", "MILANO")] == [9, 10]
    assert book.keys() == [("cream", "MILANO")]
