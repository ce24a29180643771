const UNITS = ['', 'k', 'm', 'g', 't', 'p', 'e'];
/** The first number of bytes that Go's 64 bits do not hold. */
const TOO_LARGE = 2 ** 64;

/** Bytes of `20MB`, `1.5 GiB`, `1,000`: kB is 1000, KiB 1024, in any case, as dive and docker read sizes; or in Go's words what is wrong. */
export function parseByteSize(text: string): number | string {
  const digits = /^[\d.,]*/.exec(text)![0];
  const number = digits.replaceAll(',', '');
  if (!/^(?:\d+\.?\d*|\.\d+)$/.test(number))
    return `strconv.ParseFloat: parsing ${JSON.stringify(number)}: invalid syntax`;
  const name = text.slice(digits.length).trim().toLowerCase();
  const match = /^([kmgtpe]?)(i?)b?$/.exec(name);
  if (match === null || name === 'i' || name === 'ib') return `unhandled size name: ${name}`;
  const bytes = Number(number) * (match[2] === 'i' ? 1024 : 1000) ** UNITS.indexOf(match[1]!);
  return bytes >= TOO_LARGE ? `too large: ${text}` : Math.floor(bytes);
}

/** Bytes as dive shows them: `32 kB`, `6.4 kB`, `12 B`. */
export function formatDiveSize(bytes: number): string {
  if (bytes < 10) return `${bytes} B`;
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log(bytes) / Math.log(1000) + 1e-12));
  const value = Math.floor((bytes / 1000 ** power) * 10 + 0.5) / 10;
  const unit = power === 1 ? 'kB' : `${UNITS[power]!.toUpperCase()}B`;
  return `${value < 10 ? value.toFixed(1) : roundEven(value)} ${unit}`;
}

/** C's `%.0f`: a half goes to the even neighbour. */
function roundEven(value: number): number {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** A number as Go's `%v` shows it. */
export function formatGoFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const size = Math.abs(value);
  const plain = value === 0 || (size >= 1e-4 && size < 1e21);
  const text = plain ? String(value) : value.toExponential();
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}
