"""Categories of measuring instruments as the rules table names them, with the numbers that statements carry.

The numbers are our own (official catalogue numbers are not public as data) and never reused; 1 to 23 take one
byte in a statement, so the commonest categories have them.
"""

from enum import IntEnum

from ledger.core.errors import MalformedDocumentError


class Category(IntEnum):
    """Kind of instrument; names are the codes of the rules table."""

    OTHER = 0
    FUEL_DISPENSER = 1
    PRICE_SCALE = 2
    DIGITAL_SCALE = 3
    TRUCK_SCALE = 4
    TAXIMETER = 5
    WATER_METER_SMALL = 6
    WATER_METER_MID = 7
    WATER_METER_LARGE = 8
    GAS_METER_NG = 9
    GAS_METER_OTHER = 10
    GAS_METER_ULTRASONIC = 11
    ELEC_METER_C = 12
    ELEC_METER_A = 13
    EV_CHARGER_AC = 14
    EV_CHARGER_DC = 15
    SPHYG_MERCURY = 16
    SPHYG_AUTO = 17
    PRESSURE_GAUGE = 18
    CNG_DISPENSER = 19
    GRAIN_MOISTURE = 20
    BREATH_ALCOHOL = 21
    THERMOMETER_GLASS = 22
    WEIGHTS = 23
    GRAIN_HECTOLITRE = 24
    LENSMETER = 25
    REFRACTOMETER_OPTOMETRY = 26


def parse_category(text: str, field: str) -> Category:
    """Return the category of this code.

    Raises:
        MalformedDocumentError: no such category.
    """
    try:
        return Category[text]
    except KeyError:
        raise MalformedDocumentError(f"unknown category {text!r}", field=field) from None
