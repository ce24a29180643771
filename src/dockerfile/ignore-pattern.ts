import { classAt, compileGlob, type GlobClass, inClass } from './glob.ts';

/** One pattern of a .dockerignore, ready to match (moby/patternmatcher 0.6). */
export interface IgnorePattern {
  /** Cleaned, without `!`. */
  readonly text: string;
  /** `!`: what it matches is let in again. */
  readonly reincludes: boolean;
  /** In the file, from 1. */
  readonly line: number;
  /** True if the pattern matches this very path; parents are the caller's affair. */
  matches(path: string): boolean;
  /** Which paths directly in the folder of these names (none: the top) the pattern itself matches. */
  namesIn(folder: readonly string[]): NamesMatched;
  /** True if the pattern can match something below the folder, or matches the folder or a parent, which counts for all below. */
  reachesBelow(folder: readonly string[]): boolean;
}

/** `some`: each must be asked for. */
export type NamesMatched = 'all' | 'none' | 'some' | { readonly only: string };

/**
 * States of a non-deterministic automaton, so that no pattern can make a match slow. `deep` is `**` with something
 * behind it: nothing, or any text up to and with a `/`; it takes two places, the second is inside that text. `rest` is `**` at the end.
 */
type State =
  | { readonly kind: 'char'; readonly char: string }
  | { readonly kind: 'any' | 'star' | 'deep' | 'inside' | 'rest' }
  | GlobClass;

/** Compiles a cleaned pattern without `!`; undefined if it is malformed. */
export function compileIgnorePattern(
  text: string,
  reincludes: boolean,
  line: number,
): IgnorePattern | undefined {
  if (compileGlob(text) === undefined) return undefined;
  const parts = text.split('/').map(partOf);
  return {
    text,
    reincludes,
    line,
    matches: matcherOf(text),
    namesIn: namesMatcher(text, parts),
    reachesBelow(folder) {
      for (let index = 0; index < folder.length; index++) {
        const part = parts[index];
        if (part === undefined || part.matches === undefined) return true;
        if (!part.matches(folder[index]!)) return false;
      }
      return true;
    },
  };
}

/** What stands between two slashes of a pattern. */
interface Part {
  readonly text: string;
  /** Undefined where the part alone says nothing. */
  readonly matches: ((name: string) => boolean) | undefined;
}

function partOf(text: string): Part {
  if (literal(text)) return { text, matches: (name) => name === text };
  // A class may match `/` and so hold a separator.
  const glob = text.includes('**') || text.includes('[') ? undefined : compileGlob(text);
  return { text, matches: glob?.matches };
}

const literal = (part: string): boolean => !/[*?[\]\\]/.test(part);
/** Only stars are special here, and none stands beside another. Halves of characters are told apart by the automaton alone. */
const onlyStars = (text: string): boolean => !/\*\*|[?[\]\\\ud800-\udfff]/.test(text);

function namesMatcher(text: string, parts: readonly Part[]): IgnorePattern['namesIn'] {
  if (text === '**') return () => 'all';
  if (text.startsWith('**/') && literal(text.slice(3)) && parts.length === 2) {
    const only = { only: text.slice(3) };
    return () => only;
  }
  if (text.endsWith('/**') && literal(text.slice(0, -3))) {
    const parent = text.slice(0, -2);
    return (folder) => (`${folder.join('/')}/`.startsWith(parent) ? 'all' : 'none');
  }
  if (!onlyStars(text)) return () => 'some';
  const last = parts.at(-1)!.text;
  const matched: NamesMatched = last === '*' ? 'all' : literal(last) ? { only: last } : 'some';
  return (folder) => {
    if (folder.length !== parts.length - 1) return 'none';
    for (let at = 0; at < folder.length; at++) {
      if (parts[at]!.matches?.(folder[at]!) !== true) return 'none';
    }
    return matched;
  };
}

function matcherOf(text: string): (path: string) => boolean {
  if (literal(text)) return (path) => path === text;
  if (text === '**') return () => true;
  if (text.startsWith('**/') && literal(text.slice(3))) {
    const name = text.slice(3);
    return (path) => path === name || path.endsWith(`/${name}`);
  }
  if (text.endsWith('/**') && literal(text.slice(0, -3))) {
    const parent = text.slice(0, -2);
    return (path) => path.startsWith(parent);
  }
  if (onlyStars(text)) return starMatcher(text);
  const prefix = /^[^*?[\]\\]*/.exec(text)![0];
  // What stands behind the last special character ends the path too: most paths fail here. A class may hold anything, an escape makes it ordinary.
  const suffix = /[[\]\\]/.test(text) ? '' : /[^*?]*$/.exec(text)![0].replace(/^\//, '');
  const states = statesOf(text.slice(prefix.length));
  return (path) => path.endsWith(suffix) && path.startsWith(prefix) && run(states, path.slice(prefix.length));
}

/**
 * Of a pattern in which only `*` is special. The first place of each part between stars is as good as any: what could be gained by a later one is beyond a `/`,
 * which no star passes.
 */
function starMatcher(text: string): (path: string) => boolean {
  const [first = '', ...parts] = text.split('*');
  const last = parts.pop() ?? '';
  return (path) => {
    if (!path.startsWith(first) || !path.endsWith(last)) return false;
    let at = first.length;
    for (const part of parts) {
      const found = path.indexOf(part, at);
      if (found < 0 || slashBetween(path, at, found)) return false;
      at = found + part.length;
    }
    const end = path.length - last.length;
    return at <= end && !slashBetween(path, at, end);
  };
}

function slashBetween(path: string, from: number, to: number): boolean {
  const slash = path.indexOf('/', from);
  return slash >= 0 && slash < to;
}

function statesOf(pattern: string): State[] {
  const chars = Array.from(pattern);
  const states: State[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at]!;
    if (char === '*' && chars[at + 1] === '*') {
      at++;
      if (chars[at + 1] === '/') at++;
      if (at + 1 >= chars.length) states.push({ kind: 'rest' });
      else states.push({ kind: 'deep' }, { kind: 'inside' });
    } else if (char === '*') states.push({ kind: 'star' });
    else if (char === '?') states.push({ kind: 'any' });
    else if (char === '\\' && at + 1 < chars.length) states.push({ kind: 'char', char: chars[++at]! });
    else if (char === '[') {
      const found = classAt(chars, at + 1)!;
      states.push(found.token);
      at = found.end;
    } else states.push({ kind: 'char', char });
  }
  return states;
}

function run(states: readonly State[], path: string): boolean {
  let now = new Uint8Array(states.length + 1);
  let next = new Uint8Array(states.length + 1);
  enter(states, now, 0);
  for (const char of path) {
    next.fill(0);
    let alive = false;
    for (let i = 0; i < states.length; i++) {
      if (now[i] === 0) continue;
      const state = states[i]!;
      switch (state.kind) {
        case 'char':
          if (state.char !== char) continue;
          enter(states, next, i + 1);
          break;
        case 'class':
          if (!inClass(state, char)) continue;
          enter(states, next, i + 1);
          break;
        case 'any':
          if (char === '/') continue;
          enter(states, next, i + 1);
          break;
        case 'star':
          if (char === '/') continue;
          enter(states, next, i);
          break;
        case 'inside':
          next[i] = 1;
          if (char === '/') enter(states, next, i + 1);
          break;
        case 'rest':
          enter(states, next, i);
          break;
        case 'deep':
          // Only its two exits matter, and `enter` has taken them.
          continue;
      }
      alive = true;
    }
    if (!alive) return false;
    [now, next] = [next, now];
  }
  return now[states.length] === 1;
}

/** Enters a state and those that it reaches without a character. */
function enter(states: readonly State[], set: Uint8Array, state: number): void {
  for (let i = state; set[i] === 0; ) {
    set[i] = 1;
    const kind = states[i]?.kind;
    if (kind === 'star' || kind === 'rest') i++;
    else if (kind === 'deep') {
      set[i + 1] = 1;
      i += 2;
    } else return;
  }
}
