import { templateError } from './errors.ts';
import { formatValue, isObject, isTrue, kindOf } from './format-value.ts';
import { sprintf } from './printf.ts';

/** A function of templates: its arguments to its value; throws TEMPLATE_CALL. */
export type TemplateFunction = (args: readonly unknown[]) => unknown;

/** All functions but `and` and `or`, which stop early and so belong to the interpreter. */
export const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  not: exactly(1, ([value]) => !isTrue(value)),
  len: exactly(1, ([value]) => lengthOf(value)),
  index: atLeast(1, ([value, ...keys]) => keys.reduce(indexOne, value)),
  slice: atLeast(1, ([value, ...at]) => sliceValue(value, at)),
  print: (args) =>
    args.reduce<string>((out, each, i) => out + gap(args[i - 1], each, i) + formatValue(each), ''),
  println: (args) => `${args.map(formatValue).join(' ')}\n`,
  printf: atLeast(1, ([format, ...args]) => sprintf(text(format), args)),
  html: (args) =>
    args
      .map(formatValue)
      .join('')
      .replace(/[&<>"'\0]/g, (c) => HTML[c]!),
  urlquery: (args) => encodeURIComponent(args.map(formatValue).join('')).replaceAll('%20', '+'),
  eq: atLeast(2, ([value, ...others]) => others.some((other) => equal(value, other))),
  ne: exactly(2, ([a, b]) => !equal(a, b)),
  lt: exactly(2, ([a, b]) => compare(a, b) < 0),
  le: exactly(2, ([a, b]) => compare(a, b) <= 0),
  gt: exactly(2, ([a, b]) => compare(a, b) > 0),
  ge: exactly(2, ([a, b]) => compare(a, b) >= 0),
  json: exactly(1, ([value]) =>
    JSON.stringify(value instanceof Map ? Object.fromEntries(value) : (value ?? null)),
  ),
  join: exactly(2, ([list, separator]) => joinList(list, text(separator))),
  split: exactly(2, ([value, separator]) =>
    text(separator) === '' ? [...text(value)] : text(value).split(text(separator)),
  ),
  lower: exactly(1, ([value]) => text(value).toLowerCase()),
  upper: exactly(1, ([value]) => text(value).toUpperCase()),
  title: exactly(1, ([value]) =>
    text(value).replace(
      /(^|[^\p{L}\p{N}_'])(\p{L})/gu,
      (_, before: string, c: string) => before + c.toUpperCase(),
    ),
  ),
  pad: exactly(3, ([value, before, after]) =>
    text(value) === '' ? '' : blanks(before) + text(value) + blanks(after),
  ),
  truncate: exactly(2, ([value, length]) => [...text(value)].slice(0, whole(length)).join('')),
};

const HTML: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
  '\0': '\uFFFD',
};
const wrong = (why: string) => templateError('TEMPLATE_CALL', { why });

/** Blanks that `pad` may add. */
const MAX_PAD = 10_000;

function exactly(count: number, run: TemplateFunction): TemplateFunction {
  return (args) => {
    if (args.length !== count) throw wrong(`wrong number of args: want ${count} got ${args.length}`);
    return run(args);
  };
}

function atLeast(count: number, run: TemplateFunction): TemplateFunction {
  return (args) => {
    if (args.length < count) throw wrong(`wrong number of args: want at least ${count} got ${args.length}`);
    return run(args);
  };
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw wrong(`wrong type for value; expected string; got ${kindOf(value)}`);
  return value;
}

function whole(value: unknown): number {
  if (!Number.isInteger(value) || (value as number) < 0)
    throw wrong(`wrong type for value; expected a whole number; got ${formatValue(value)}`);
  return value as number;
}

function blanks(count: unknown): string {
  return ' '.repeat(Math.min(MAX_PAD, whole(count)));
}

function gap(before: unknown, value: unknown, i: number): string {
  return i > 0 && typeof before !== 'string' && typeof value !== 'string' ? ' ' : '';
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return new TextEncoder().encode(value).length;
  if (Array.isArray(value)) return value.length;
  if (value instanceof Map) return value.size;
  if (isObject(value)) return Object.keys(value).length;
  throw wrong(`len of ${kindOf(value) === 'nil' ? 'nil pointer' : `type ${kindOf(value)}`}`);
}

function indexOne(value: unknown, key: unknown): unknown {
  if (Array.isArray(value) || typeof value === 'string') {
    const at = whole(key);
    if (at >= value.length) throw wrong(`index out of range: ${at}`);
    return typeof value === 'string' ? new TextEncoder().encode(value)[at] : value[at];
  }
  if (value instanceof Map) return value.get(key) ?? '';
  if (!isObject(value)) throw wrong(`can't index item of type ${kindOf(value)}`);
  const name = text(key);
  // Go gives the zero value of the map's element type; the maps of images hold texts.
  return Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : '';
}

function sliceValue(value: unknown, at: readonly unknown[]): unknown {
  if (at.length > 2) throw wrong('too many slice indexes');
  const [start = 0, end] = at.map(whole);
  if (!Array.isArray(value) && typeof value !== 'string')
    throw wrong(`can't slice item of type ${kindOf(value)}`);
  const to = end ?? value.length;
  if (start > to || to > value.length) throw wrong(`index out of range: ${Math.max(start, to)}`);
  return value.slice(start, to);
}

function joinList(list: unknown, separator: string): string {
  if (list === undefined || list === null) return '';
  if (!Array.isArray(list)) throw wrong(`wrong type for value; expected a list; got ${kindOf(list)}`);
  return list.map(formatValue).join(separator);
}

function basic(value: unknown): string {
  const kind = kindOf(value);
  if (kind === 'int' || kind === 'float64') return 'number';
  if (kind === 'list' || kind === 'map') throw wrong(`non-comparable type ${kind}`);
  return kind;
}

function equal(a: unknown, b: unknown): boolean {
  const [left, right] = [basic(a), basic(b)];
  if (left === 'nil' || right === 'nil') return left === right;
  if (left !== right) throw wrong('incompatible types for comparison');
  return a === b;
}

function compare(a: unknown, b: unknown): number {
  const [left, right] = [basic(a), basic(b)];
  if (left !== right) throw wrong('incompatible types for comparison');
  if (left !== 'number' && left !== 'string') throw wrong(`invalid type for comparison: ${left}`);
  return (a as number) < (b as number) ? -1 : (a as number) > (b as number) ? 1 : 0;
}
