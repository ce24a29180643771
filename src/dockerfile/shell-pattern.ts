/** A pattern of `${v#p}` and its like: `*` is any text, `?` any character, `\` takes the next one as it is (spec build.md a.4). */
export interface ShellPattern {
  /** Between the stars; undefined stands for `?`. */
  readonly segments: readonly (readonly (string | undefined)[])[];
}

/** Reads a pattern; every text is one. */
export function compileShellPattern(text: string): ShellPattern {
  const segments: (string | undefined)[][] = [[]];
  const chars = Array.from(text);
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at]!;
    if (char === '*') segments.push([]);
    else if (char === '?') segments.at(-1)!.push(undefined);
    else segments.at(-1)!.push(char === '\\' && at + 1 < chars.length ? chars[++at]! : char);
  }
  return { segments };
}

/** The value without what the pattern matches at its start: the shortest match, or the longest. */
export function trimPrefix(value: string, pattern: ShellPattern, longest: boolean): string {
  const chars = Array.from(value);
  const end = matchEnd(chars, 0, pattern, longest);
  return typeof end === 'number' ? chars.slice(end).join('') : value;
}

/** The value without what the pattern matches at its end. */
export function trimSuffix(value: string, pattern: ShellPattern, longest: boolean): string {
  const segments = pattern.segments.map((segment) => [...segment].reverse()).reverse();
  const chars = Array.from(value).reverse();
  const end = matchEnd(chars, 0, { segments }, longest);
  return typeof end === 'number' ? chars.slice(end).reverse().join('') : value;
}

/** The value with the first match, or all, replaced; each match is the longest at the leftmost place. */
export function replaceMatches(
  value: string,
  pattern: ShellPattern,
  replacement: string,
  all: boolean,
): string {
  const chars = Array.from(value);
  const out: string[] = [];
  let at = 0;
  while (at <= chars.length) {
    const end = matchEnd(chars, at, pattern, true);
    if (end === 'nowhere') break;
    if (end === undefined) {
      if (at < chars.length) out.push(chars[at]!);
      at++;
      continue;
    }
    out.push(replacement);
    if (end === at) {
      if (at < chars.length) out.push(chars[at]!);
      at++;
    } else at = end;
    if (!all) break;
    if (at === chars.length && end === at) break;
  }
  return out.join('') + chars.slice(at).join('');
}

/**
 * Where a match that starts at `from` ends, the shortest or the longest; undefined without one. `nowhere`: what stands
 * behind a star is not found, so no later start can succeed either.
 */
function matchEnd(
  chars: readonly string[],
  from: number,
  { segments }: ShellPattern,
  longest: boolean,
): number | 'nowhere' | undefined {
  const first = segments[0]!;
  if (!segmentAt(chars, from, first)) return undefined;
  let at = from + first.length;
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i]!;
    const last = i === segments.length - 1;
    const found = last && longest ? lastPlace(chars, at, segment) : firstPlace(chars, at, segment);
    if (found === undefined) return 'nowhere';
    at = found + segment.length;
  }
  return at;
}

type Segment = readonly (string | undefined)[];

function firstPlace(chars: readonly string[], from: number, segment: Segment): number | undefined {
  for (let at = from; at + segment.length <= chars.length; at++) {
    if (segmentAt(chars, at, segment)) return at;
  }
  return undefined;
}

function lastPlace(chars: readonly string[], from: number, segment: Segment): number | undefined {
  for (let at = chars.length - segment.length; at >= from; at--) {
    if (segmentAt(chars, at, segment)) return at;
  }
  return undefined;
}

function segmentAt(chars: readonly string[], at: number, segment: Segment): boolean {
  if (at + segment.length > chars.length) return false;
  for (let i = 0; i < segment.length; i++) {
    if (segment[i] !== undefined && segment[i] !== chars[at + i]) return false;
  }
  return true;
}
