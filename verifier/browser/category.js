// Categories of measuring instruments and the numbers that statements carry: ledger/core/category.py.
import { quote } from "./encoding.js"
import { refuse } from "./errors.js"

/** Codes of the rules table, at their numbers. */
const NAMES = (
  "OTHER FUEL_DISPENSER PRICE_SCALE DIGITAL_SCALE TRUCK_SCALE TAXIMETER WATER_METER_SMALL WATER_METER_MID WATER_METER_LARGE " +
  "GAS_METER_NG GAS_METER_OTHER GAS_METER_ULTRASONIC ELEC_METER_C ELEC_METER_A EV_CHARGER_AC EV_CHARGER_DC SPHYG_MERCURY " +
  "SPHYG_AUTO PRESSURE_GAUGE CNG_DISPENSER GRAIN_MOISTURE BREATH_ALCOHOL THERMOMETER_GLASS WEIGHTS GRAIN_HECTOLITRE " +
  "LENSMETER REFRACTOMETER_OPTOMETRY"
).split(" ")

export const Category = Object.freeze(Object.fromEntries(NAMES.map((name, code) => [name, code])))

/** The code in the rules table of a category's number. */
export const nameCategory = (category) => NAMES[category]

/** The number of the category of this code. */
export function parseCategory(text, field) {
  const code = NAMES.indexOf(text)
  return code < 0 ? refuse(`unknown category ${quote(text)}`, field) : code
}
