const UNITS = ['', 'k', 'm', 'g', 't', 'p'];

/** Bytes of `64m`, `1.5GiB`, `4096`: units of 1024, as docker reads sizes of memory. Undefined for what is none, or more than a number holds exactly. */
export function parseMemorySize(text: string): number | undefined {
  const match = /^(\d{1,15}(?:\.\d{1,9})?) ?([kmgtp]?)i?b?$/i.exec(text);
  if (match === null) return undefined;
  const bytes = Math.floor(Number(match[1]) * 1024 ** UNITS.indexOf(match[2]!.toLowerCase()));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
