/** Bytes from which on a secret's value is looked for: shorter ones stand in every text. */
const LEAST_BYTES = 4;
const MASK = Buffer.from('***');

export interface Mask {
  /** The bytes with values replaced. An end that may be the beginning of a value waits for what comes. */
  pass(bytes: Uint8Array): Uint8Array;
  /** What waits. */
  rest(): Uint8Array;
}

/** Puts `***` in the place of these values, also where they come in pieces; undefined if there is nothing to look for. */
export function createMask(values: Iterable<Uint8Array>): Mask | undefined {
  const wanted = [...values]
    .map((value) => Buffer.from(value.subarray(0, value.length - lineEnd(value))))
    .filter((value) => value.length >= LEAST_BYTES)
    // A value that holds another is looked for first.
    .sort((a, b) => b.length - a.length);
  if (wanted.length === 0) return undefined;
  let waiting: Uint8Array = new Uint8Array(0);
  const run = (text: Buffer, isLast: boolean): Uint8Array => {
    const parts: Uint8Array[] = [];
    let rest = text;
    for (;;) {
      const waits = isLast
        ? rest.length
        : rest.length - Math.max(...wanted.map((value) => begunAtEnd(rest, value)));
      const found = firstOf(wanted, rest);
      if (found === undefined || waits <= found.at) {
        waiting = rest.subarray(waits);
        return Buffer.concat([...parts, rest.subarray(0, waits)]);
      }
      parts.push(rest.subarray(0, found.at), MASK);
      rest = rest.subarray(found.at + found.length);
    }
  };
  return {
    pass: (bytes) => run(Buffer.concat([waiting, bytes]), false),
    rest: () => run(Buffer.from(waiting), true),
  };
}

/** A file that a person wrote ends in a line end, which a program that prints the value leaves out. */
const lineEnd = (value: Uint8Array): number => (value.at(-1) !== 0x0a ? 0 : value.at(-2) === 0x0d ? 2 : 1);

/** The first place where a value stands; of several there the longest, which comes first in the list. */
function firstOf(wanted: readonly Buffer[], text: Buffer) {
  let first: { readonly at: number; readonly length: number } | undefined;
  for (const value of wanted) {
    const at = text.indexOf(value);
    if (at >= 0 && (first === undefined || at < first.at)) first = { at, length: value.length };
  }
  return first;
}

/** Bytes at the end of the text that the value begins with, if it is not there whole. */
function begunAtEnd(text: Buffer, value: Buffer): number {
  const most = Math.min(value.length - 1, text.length);
  for (
    let at = text.indexOf(value[0]!, text.length - most);
    at >= 0 && most > 0;
    at = text.indexOf(value[0]!, at + 1)
  )
    if (value.subarray(0, text.length - at).equals(text.subarray(at))) return text.length - at;
  return 0;
}
