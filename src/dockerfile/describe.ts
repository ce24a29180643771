import type { Dockerfile } from './ast.ts';

/** A parsed Dockerfile as short plain data: ranges as `line:column-line:column`, words as `range text`. For golden tests and for looking. */
export function describeDockerfile(file: Dockerfile): unknown {
  const { directives, comments, instructions, problems } = file;
  return shorten({ escape: file.escape, directives, comments, instructions, problems });
}

function shorten(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shorten);
  if (typeof value !== 'object' || value === null) return value;
  if ('start' in value && 'end' in value) return showRange(value as Spot);
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  if (entries.length === 2 && 'text' in value && 'range' in value) {
    return `${showRange(value.range as Spot)} ${String(value.text)}`;
  }
  const kept = entries.filter(([, item]) => !Array.isArray(item) || item.length > 0);
  return Object.fromEntries(kept.map(([key, item]) => [key, shorten(item)]));
}

type Spot = Dockerfile['tiles'][number]['range'];

function showRange({ start, end }: Spot): string {
  return `${start.line}:${start.column}-${end.line}:${end.column}`;
}
