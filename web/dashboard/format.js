// Figures and times as people read them. Sizes are decimal, as storage accounts bill them.

const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];
const DAY = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const WHOLE = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" });
const COUNT = new Intl.NumberFormat("en-GB");

export const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

export function bytes(count) {
  if (!isNumber(count)) return "–";
  let size = count;
  let unit = 0;
  while (size >= 999.5 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || size >= 100 ? 0 : 1;
  return `${size.toFixed(digits)} ${UNITS[unit]}`;
}

export const count = (number) => (isNumber(number) ? COUNT.format(number) : "–");

export const blobs = (number) => `${count(number)} ${number === 1 ? "blob" : "blobs"}`;

export function duration(seconds) {
  if (!isNumber(seconds) || seconds < 0) return "–";
  if (seconds < 1) return "less than 1 s";
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

// A time as a Date: milliseconds since 1970 or ISO 8601; null where it is neither.
export function moment(value) {
  const at = isNumber(value) || typeof value === "string" ? new Date(value) : null;
  return at && !Number.isNaN(at.getTime()) ? at : null;
}

export function clock(at, { millis = false } = {}) {
  const digits = millis ? `.${String(at.getMilliseconds()).padStart(3, "0")}` : "";
  return CLOCK.format(at) + digits;
}

export function dayAndClock(at, now = new Date()) {
  return at.toDateString() === now.toDateString() ? clock(at) : `${DAY.format(at)}, ${clock(at)}`;
}

export const inFull = (at) => WHOLE.format(at);
