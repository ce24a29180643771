import { parseDuration } from '../dockerfile/duration.ts';

/** Epoch milliseconds of a moment as docker takes it: `24h` ago, a date, or seconds since 1970; undefined if it is none of them. */
export function readMoment(text: string, now: number): number | undefined {
  const ago = parseDuration(text);
  if (ago !== undefined) return ago < 0 ? undefined : now - ago / 1e6;
  if (/^\d{1,11}(?:\.\d{1,9})?$/.test(text)) return Number(text) * 1000;
  const moment = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(moment) ? undefined : moment;
}
