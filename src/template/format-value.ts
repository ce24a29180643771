/** Values as Go prints them. */

/** True for what Go would hold in a map or struct. */
export function isObject(
  value: unknown,
): value is Readonly<Record<string, unknown>> | ReadonlyMap<unknown, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Keys and values sorted by key, the order in which Go walks a map. */
export function sortedEntries(
  value: Readonly<Record<string, unknown>> | ReadonlyMap<unknown, unknown>,
): [string, unknown][] {
  const entries =
    value instanceof Map
      ? [...value].map(([key, each]): [string, unknown] => [String(key), each])
      : Object.entries(value);
  return entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** What an action prints: Go's `%v`, with `<no value>` for nothing. */
export function formatValue(value: unknown): string {
  return value === undefined || value === null ? '<no value>' : inner(value);
}

function inner(value: unknown): string {
  if (value === undefined || value === null) return '<nil>';
  if (typeof value === 'number') return formatNumber(value);
  if (Array.isArray(value)) return `[${value.map(inner).join(' ')}]`;
  if (value instanceof Date) return value.toISOString();
  if (isObject(value))
    return `map[${sortedEntries(value)
      .map(([key, each]) => `${key}:${inner(each)}`)
      .join(' ')}]`;
  return String(value);
}

/** Whole numbers in full; others as Go's `%v` prints a float (exponents from 1e21 on and below 1e-4). */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return value.toFixed(0);
  const small = value !== 0 && Math.abs(value) < 1e-4;
  const text = small ? value.toExponential() : String(value);
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** Go's name for the kind of value, for errors. */
export function kindOf(value: unknown): string {
  if (value === undefined || value === null) return 'nil';
  if (Array.isArray(value)) return 'list';
  if (typeof value === 'object') return 'map';
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float64';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** Go's truth: false, 0, "", nil and what is empty are false. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  if (isObject(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}
