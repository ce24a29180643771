import { type DobosError, isDobosError } from '../base/errors.ts';
import type { Paint } from './colour.ts';

/** An error as people read it: what failed, where, what to do. With `debug` the stacks and causes too. */
export function formatError(error: unknown, paint: Paint, debug: boolean): string {
  const lines = [`${paint('removed', 'dobos:')} ${messageOf(error)}`];
  if (isDobosError(error)) {
    lines.push(...placeLines(error));
    if (error.hint !== undefined) lines.push(`${paint('accent', 'hint:')} ${error.hint}`);
  }
  if (debug) {
    for (let at: unknown = error; at instanceof Error; at = at.cause)
      lines.push(paint('quiet', at.stack ?? at.message));
  }
  return `${lines.join('\n')}\n`;
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'AbortError') return 'interrupted';
  const cause = error.cause;
  return cause instanceof Error && !error.message.includes(cause.message)
    ? `${error.message}: ${cause.message}`
    : error.message;
}

function placeLines(error: DobosError): string[] {
  const { place } = error;
  if (place === undefined) return [];
  const where = [place.file, place.line].filter((part) => part !== undefined).join(':');
  return [
    ...(where === '' ? [] : [where]),
    ...(place.snippet === undefined ? [] : [place.snippet.replace(/\n$/, '')]),
  ];
}
