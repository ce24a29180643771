const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/y;
/** Durations are short; what is longer is none. */
const MAX_LENGTH = 64;

/** Nanoseconds of a Go duration (`1h15m30.5s`, `300ms`, `0`), undefined if it is none or beyond what a number holds exactly. */
export function parseDuration(text: string): number | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const sign = text.startsWith('-') ? -1 : 1;
  const body = text.replace(/^[+-]/, '');
  if (body === '0') return 0;
  let total = 0;
  let at = 0;
  while (at < body.length) {
    PART.lastIndex = at;
    const match = PART.exec(body);
    if (match === null) return undefined;
    total += Number(match[1]) * UNITS[match[2]!]!;
    at = PART.lastIndex;
  }
  const nanoseconds = Math.round(total);
  return at === 0 || !Number.isSafeInteger(nanoseconds) ? undefined : sign * nanoseconds;
}
