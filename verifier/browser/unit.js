// unit.py: the closed table of units of measurement, with their exact sizes; other spellings are refused.
import { quote } from "./encoding.js";
import { UnitError } from "./errors.js";
import { fraction, multiply } from "./exact.js";

const TABLE = `mass kg g/1000 mg/1000000 t*1000
volume m3 L/1000 mL/1000000
volume_flow m3/h/3600 L/min/60000 L/h/3600000
mass_flow kg/min/60 kg/h/3600
density kg/m3 g/L mg/L/1000
temperature K °C
ratio 1 %/100
relative_humidity %RH/100
pressure Pa kPa*1000 MPa*1000000 mmHg*133322/1000
voltage V mV/1000 kV*1000
current A mA/1000
power W kW*1000
energy kWh*3600000 Wh*3600 J
frequency Hz
time s min*60 h*3600 d*86400
length m km*1000 cm/100 mm/1000
speed m/s km/h*5/18
vergence m-1
money CNY
interval e`;

const readUnit = (dimension, text) => {
  const [, code, size, part] = /^(.*?)(?:\*(\d+))?(?:\/(\d+))?$/.exec(text);
  return Object.freeze({ code, dimension, factor: fraction(size ?? 1, part ?? 1), isRestricted: code === "mmHg" });
};

/** Every known unit by its code: `{code, dimension, factor, isRestricted}`. */
export const UNITS = new Map(
  TABLE.split("\n").flatMap((line) => {
    const [dimension, ...units] = line.split(" ");
    return units.map((text) => readUnit(dimension, text)).map((unit) => [unit.code, unit]);
  }),
);

/** Return the unit of this code; throws UnitError for any other spelling. */
export const parseUnit = (text, options) => {
  const unit = UNITS.get(text);
  if (unit === undefined) throw new UnitError(`${quote(text)} is not how a known unit of measurement is written`, options);
  return unit;
};

/** Return a difference or amount in the coherent SI unit, exactly. */
export const computeBaseValue = (value, unit) => multiply(value, unit.factor);
