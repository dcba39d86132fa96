// What the operator has written down about one instrument, and the finding that it becomes.
import { digest, encode, toBase64 } from "./canonical.js";
import { parse, tidy } from "./decimal.js";
import { signFinding } from "./device.js";
import { computeResults, findConclusion, findUnrepeated } from "./judge.js";
import { readSticker } from "./sticker.js";

const READINGS = 3;
const POSITIONS = 5; // of a load on the receptor, for eccentric loading

/** Return the parts that are measured one by one; [null] where the instrument is measured as a whole. */
const listParts = (item) => item.instrument.parts?.map((part) => part.id) ?? [null];

/** Return by what an instrument of a round is judged. */
export const findMeasuring = (round, item) => ({
  limits: round.rules[item.instrument.category].limits,
  class: item.instrument.class,
  unit: item.unit,
  uncertainty: round.uncertainty,
  k: round.k,
  weighing: item.weighing,
});

const repeat = (count, nominal) => Array.from({ length: count }, () => [nominal, ""]);

/**
 * Return the kinds of series that are measured: `code` names one, `item` is what its readings are of.
 * `shared` is a kind all of whose readings are at one load; what is `optional` may stay empty.
 */
const listKinds = (round, item) => {
  if (item.weighing) {
    const loads = item.loads.map((load) => [load, ""]);
    return [
      { code: "indication_error", item: "indication_error", rows: loads },
      { code: "eccentricity", item: "eccentricity", rows: repeat(POSITIONS, ""), shared: true, optional: true },
      { code: "repeatability", item: "indication_error", rows: repeat(READINGS, ""), shared: true },
    ];
  }
  const fitting = round.rules[item.instrument.category].limits.filter(
    (limit) => limit.class === undefined || limit.class === item.instrument.class,
  );
  const codes = [...new Set(fitting.map((limit) => limit.item))].filter((code) => code !== "repeatability");
  return codes.map((code) => ({ code, item: code, rows: repeat(READINGS, item.nominal ?? "") }));
};

/** Return an empty form for an instrument. */
export const beginForm = (round, today) => ({
  verified_on: today,
  nameplate: "",
  seals_before: "",
  adjusted: [], // parts; "" is the instrument as a whole
  flows: [""],
  readings: {},
  seals: [],
  standards: round.standards.length === 1 ? [round.standards[0].id] : [],
  temperature: "",
  humidity: "",
  stickers: [{ text: "", part: "" }],
  note: "",
  fails: false,
});

/** Return every series that the form has room for, with what was typed. */
export const listSeries = (round, item, form) =>
  listParts(item).flatMap((part) =>
    (form.adjusted.includes(part ?? "") ? [true, false] : [false]).flatMap((before) =>
      (item.flow_unit ? form.flows : [""]).flatMap((flow, number) =>
        listKinds(round, item).map((kind) => {
          const key = `${part ?? ""}|${kind.code}|${number}|${before ? "before" : ""}`;
          const { code, item: measured, shared = false, optional = false } = kind;
          const typed = form.readings[key] ?? kind.rows;
          return { key, part, code, item: measured, shared, optional, flow: tidy(flow), before_adjustment: before, typed };
        }),
      ),
    ),
  );

/** Say whether a part was adjusted: what was read so far was read before; taken back, it is as it was. */
export const setAdjusted = (form, part, is) => {
  const after = Object.keys(form.readings).filter((key) => key.startsWith(`${part}|`) && !key.endsWith("|before"));
  for (const key of after) {
    const typed = form.readings[key];
    if (is && typed.some(([, indication]) => indication.trim())) {
      form.readings[`${key}before`] = typed;
      delete form.readings[key];
    }
  }
  if (!is) {
    for (const key of Object.keys(form.readings).filter((one) => one.startsWith(`${part}|`) && one.endsWith("|before"))) {
      const plain = key.slice(0, -"before".length);
      if (!form.readings[plain]?.some(([, indication]) => indication.trim())) form.readings[plain] = form.readings[key];
      delete form.readings[key];
    }
  }
  form.adjusted = is ? [...form.adjusted, part] : form.adjusted.filter((one) => one !== part);
};

/** Take the last flow out of a form, with what was read at it. */
export const dropFlow = (form) => {
  form.flows.pop();
  const ending = `|${form.flows.length}|`;
  for (const key of Object.keys(form.readings)) if (key.includes(ending)) delete form.readings[key];
};

/**
 * Return a series with its numbers, and its results; rows without indication are left out.
 * `wrong`: a row is no number, or nothing judges it.
 */
export const readSeries = (series, measuring) => {
  const filled = series.typed.filter(([, indication]) => indication.trim());
  const readings = filled.map((pair) => pair.map(tidy));
  const read = { ...series, readings, wrong: readings.flat().includes(null), results: [] };
  if (read.wrong || !readings.length) return read;
  try {
    return { ...read, results: computeResults([read], measuring) };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { ...read, wrong: true };
  }
};

/**
 * Return what can be computed of a form now: results, conclusion, and whether every number is one.
 * `unrepeated`: places that would pass without a repeatability, though their limits ask for one.
 */
export const judgeForm = (round, item, form) => {
  const measuring = findMeasuring(round, item);
  const all = listSeries(round, item, form).map((one) => readSeries(one, measuring));
  const results = all.flatMap((one) => one.results);
  const computed = findConclusion(results);
  const read = all.every((one) => !one.wrong && (one.optional || one.readings.length));
  const unrepeated = read && computed === "pass" ? findUnrepeated(results, measuring) : [];
  return { results, complete: read && !unrepeated.length, unrepeated, wrong: all.some((one) => one.wrong), computed };
};

/** Return the results of one series: its own, and its repeatability if that is limited; null: none yet. */
export const judgeSeries = (round, item, series) => {
  const { results } = readSeries(series, findMeasuring(round, item));
  return results.length ? results : null;
};

/** Return the stickers that were typed, each with what is to be said of it. */
export const listStickers = (round, form) =>
  form.stickers.filter(({ text }) => text.trim()).map(({ text, part }) => ({ part, ...readSticker(text, round) }));

const isTwice = (values) => new Set(values).size < values.length;

const listMissingFlows = (item, form, miss) => {
  const flows = form.flows.map(tidy);
  const bad = form.flows.some((text, number) => (text.trim() || flows.length > 1) && (flows[number] === null || parse(flows[number]).n <= 0n));
  miss(item.flow_unit && bad, `each flow as a number above 0, in ${item.flow_unit}`, `每个流量须为大于0的数值（${item.flow_unit}）`);
  miss(item.flow_unit && !bad && isTwice(flows), "each flow once", "流量不得重复");
};

const listMissingStickers = (round, item, form, miss) => {
  const stickers = listStickers(round, form);
  for (const { fault } of stickers) if (fault) miss(true, fault.en, fault.zh);
  miss(isTwice(stickers.map(({ part }) => part)), "one sticker in each place", "同一位置只能填写一个标志");
  miss(isTwice(stickers.map(({ id }) => id).filter(Boolean)), "each sticker once", "同一标志只能填写一次");
  const failed = stickers.length && conclude(round, item, form) === "fail";
  miss(failed, "no sticker: what fails bears none", "不合格的器具不得粘贴标志，请取下并清空");
};

/** Return what is missing before a form can be signed: sentences in both languages. */
export const listMissing = (round, item, form) => {
  const { complete, unrepeated, wrong, computed } = judgeForm(round, item, form);
  const missing = [];
  const miss = (is, en, zh) => is && missing.push({ en, zh });
  miss(!/^\d{4}-\d\d-\d\d$/.test(form.verified_on), "the day of verification", "检定日期");
  miss(!form.nameplate, "whether the nameplate agrees", "铭牌是否相符");
  miss(!form.seals_before, "how the seals were found", "铅封检查情况");
  miss(!form.standards.length, "the standard that was used", "所用计量标准");
  listMissingFlows(item, form, miss);
  if (item.weighing) miss(wrong, "loads and indications that are numbers, at loads that have a limit", "载荷和示值须为数值，且载荷在限值范围内");
  else miss(wrong, "readings that are numbers, with a reference above 0", "示值须为数值，且标准值大于0");
  miss(!complete && !wrong && !unrepeated.length && !form.fails, "readings of every part", "各部位的示值");
  const places = unrepeated.map(([part, flow]) => (part ?? "-") + (flow === null ? "" : ` @ ${flow}`)).join(", ");
  const [en, zh] = [`two readings or more of one load or flow, for the repeatability: ${places}`, `重复性须在同一载荷或流量下至少有两个示值：${places}`];
  miss(unrepeated.length && !form.fails, en, zh);
  const bad = (text) => text.trim() && tidy(text) === null;
  miss(bad(form.temperature) || bad(form.humidity), "temperature and humidity as numbers", "温度、湿度须为数值");
  miss(form.seals.some((seal) => !seal.no.trim() !== !seal.point.trim()), "number and place of each seal", "每个铅封的编号和位置");
  miss(form.fails && computed === "pass" && !form.note.trim(), "a note that says why it fails", "不合格原因");
  miss(form.nameplate === "differs" && !form.note.trim(), "a note that says how the nameplate differs", "铭牌不符的说明");
  if (complete || form.fails) listMissingStickers(round, item, form, miss);
  return missing;
};

/** Return the conclusion of a form. */
export const conclude = (round, item, form) => {
  const { computed, complete } = judgeForm(round, item, form);
  return form.fails || !complete ? "fail" : computed;
};

const clean = (text) => text.normalize("NFC").replace(/\s+/g, " ").trim();

/** Write a finding of a form and sign it; the next revision of this device and instrument. */
export const signForm = async (round, item, form, { deviceId, revision, privateKey, roundDigest, now }) => {
  const texts = { note: clean(form.note) };
  const numbers = { temperature: tidy(form.temperature), humidity: tidy(form.humidity) };
  const optional = Object.entries({ ...texts, ...numbers }).filter(([, value]) => value);
  const finding = {
    v: 1,
    round: round.id,
    round_digest: roundDigest,
    device: deviceId,
    item: item.id,
    revision,
    made_at: `${now.toISOString().slice(0, 19)}Z`,
    verified_on: form.verified_on,
    nameplate: form.nameplate,
    seals_before: form.seals_before,
    adjusted: form.adjusted.length > 0,
    standards: form.standards,
    results: judgeForm(round, item, form).results,
    conclusion: conclude(round, item, form),
    seals: form.seals.filter((seal) => seal.no.trim()).map((seal) => ({ no: clean(seal.no), point: clean(seal.point) })),
    stickers: listStickers(round, form).map(({ id, part }) => (part ? { id, part } : { id })),
    ...Object.fromEntries(optional),
  };
  const bytes = encode(finding);
  const signature = await signFinding(privateKey, bytes);
  return { revision, finding: toBase64(bytes), signature, digest: await digest(bytes), answer: null };
};
