import { formatNumber, formatValue, kindOf } from './format-value.ts';

/** Width or precision of one verb: more is a mistake, and memory. */
const MAX_WIDTH = 10_000;

/** Go's Sprintf for the verbs v s q d x X o b c t f e g T and flags `- + 0 #` and space, with width and precision. */
export function sprintf(format: string, args: readonly unknown[]): string {
  let next = 0;
  const out = format.replace(
    /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d*))?([a-zA-Z%]|$|[\s\S])/gu,
    (_, flags: string, width: string | undefined, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%';
      if (verb === '') return '%!(NOVERB)';
      const number = (text: string | undefined) =>
        text === '*' ? Number(args[next++]) : text === undefined ? undefined : Number(text || 0);
      const wide = clamp(number(width));
      const exact = clamp(number(precision));
      if (next >= args.length) return `%!${verb}(MISSING)`;
      return pad(formatVerb(verb, args[next++], flags, exact), flags, wide ?? 0, verb);
    },
  );
  const extra = args.slice(next).map((each) => `${kindOf(each)}=${formatValue(each)}`);
  return extra.length === 0 ? out : `${out}%!(EXTRA ${extra.join(', ')})`;
}

function clamp(value: number | undefined): number | undefined {
  return value === undefined || !Number.isFinite(value) ? undefined : Math.min(MAX_WIDTH, Math.abs(value));
}

function formatVerb(verb: string, value: unknown, flags: string, precision: number | undefined): string {
  const wrong = () => `%!${verb}(${kindOf(value)}=${formatValue(value)})`;
  const sign = (text: string) =>
    !text.startsWith('-') && flags.includes('+')
      ? `+${text}`
      : !text.startsWith('-') && flags.includes(' ')
        ? ` ${text}`
        : text;
  switch (verb) {
    case 'v':
      return typeof value === 'number'
        ? sign(formatNumber(value))
        : (value ?? undefined) === undefined
          ? '<nil>'
          : formatValue(value);
    case 'T':
      return kindOf(value);
    case 't':
      return typeof value === 'boolean' ? String(value) : wrong();
    case 's': {
      if (typeof value === 'number' || typeof value === 'boolean') return wrong();
      const text = (value ?? undefined) === undefined ? '%!s(<nil>)' : formatValue(value);
      return precision === undefined ? text : [...text].slice(0, precision).join('');
    }
    case 'q':
      return typeof value === 'string'
        ? JSON.stringify(value)
        : Array.isArray(value)
          ? `[${value.map((each) => JSON.stringify(String(each))).join(' ')}]`
          : wrong();
    case 'c':
      return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0x10ffff
        ? String.fromCodePoint(value as number)
        : wrong();
    case 'd':
      return Number.isInteger(value) ? sign(formatNumber(value as number)) : wrong();
    case 'x':
    case 'X':
    case 'o':
    case 'b': {
      const text = verb === 'x' || verb === 'X' ? hex(value, flags) : radix(value, verb === 'o' ? 8 : 2);
      return text === undefined ? wrong() : verb === 'X' ? text.toUpperCase() : text;
    }
    case 'f':
    case 'F':
      return typeof value === 'number' ? sign(value.toFixed(Math.min(100, precision ?? 6))) : wrong();
    case 'e':
      return typeof value === 'number'
        ? sign(value.toExponential(Math.min(100, precision ?? 6)).replace(/e([+-])(\d)$/, 'e$10$2'))
        : wrong();
    case 'g':
      return typeof value === 'number'
        ? sign(
            precision === undefined
              ? formatNumber(value)
              : formatNumber(Number(value.toPrecision(Math.min(100, precision || 1)))),
          )
        : wrong();
    default:
      return wrong();
  }
}

function hex(value: unknown, flags: string): string | undefined {
  const lead = flags.includes('#') ? '0x' : '';
  if (typeof value === 'string') {
    return (
      lead + [...new TextEncoder().encode(value)].map((byte) => byte.toString(16).padStart(2, '0')).join('')
    );
  }
  const text = radix(value, 16);
  return text === undefined ? undefined : text.startsWith('-') ? `-${lead}${text.slice(1)}` : lead + text;
}

function radix(value: unknown, base: number): string | undefined {
  return Number.isInteger(value) ? (value as number).toString(base) : undefined;
}

function pad(text: string, flags: string, width: number, verb: string): string {
  const missing = width - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes('-')) return text + ' '.repeat(missing);
  if (!flags.includes('0') || !/[dxXobfeg]/.test(verb)) return ' '.repeat(missing) + text;
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}
