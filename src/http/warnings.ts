import { MAX_WARNING_BYTES, MAX_WARNINGS } from './limits.ts';
import type { HttpEvent } from './types.ts';

/** Tells the text of each `Warning: 299` header once per host (distribution-spec 1.1.1 "Warnings"). */
export function createWarnings(
  onEvent: ((event: HttpEvent) => void) | undefined,
): (host: string, values: readonly string[]) => void {
  const told = new Set<string>();
  return (host, values) => {
    if (onEvent === undefined) return;
    for (const text of values.flatMap(parseWarning)) {
      const key = `${host} ${text}`;
      if (told.has(key) || told.size >= MAX_WARNINGS) continue;
      told.add(key);
      onEvent({ kind: 'warning', host, text });
    }
  };
}

/** The texts of one header, which may hold several warnings; without control characters, each at most 4096 bytes. */
export function parseWarning(value: string): string[] {
  const texts: string[] = [];
  for (const [, quoted] of value
    .slice(0, 4 * MAX_WARNING_BYTES)
    .matchAll(/(?:^|,)\s*299 +\S+ +"((?:[^"\\]|\\.)*)"/g)) {
    const text = Buffer.from(quoted!.replace(/\\(.)/g, '$1'), 'latin1')
      .toString()
      .replace(/[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '')
      .trim();
    const cut = Buffer.from(text)
      .subarray(0, MAX_WARNING_BYTES)
      .toString()
      .replace(/\ufffd+$/, '');
    if (cut !== '') texts.push(cut);
  }
  return texts;
}
