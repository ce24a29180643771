import type { Word } from '../dockerfile/ast.ts';
import { type ExpandOptions, expandWord } from '../dockerfile/expand.ts';
import { suggest } from '../dockerfile/suggest.ts';

/** A word with its variables put in, and the names that it asked for. */
export interface Expanded {
  readonly word: Word;
  readonly text: string;
  /** Split at blanks that came out of variables. */
  readonly words: readonly string[];
  readonly found: ReadonlySet<string>;
  /** Not set, also where the word has something for that case (`${x:-y}`). */
  readonly unset: ReadonlySet<string>;
  /** The word means nothing, or too much has been put in before. */
  readonly failed: boolean;
}

/** Puts variables into the words of one file, within bounds for all of them together. */
export interface Expander {
  /** `text` stands for the word's own (the body of a heredoc). */
  expand(word: Word, env: ReadonlyMap<string, string>, o?: WordOptions): Expanded;
  /** The name that was probably meant. */
  nearest(name: string, candidates: Iterable<string>): string | undefined;
}

export interface WordOptions extends ExpandOptions {
  readonly text?: string | undefined;
}

/** UTF-16 units that all words together may grow to, as many as a build allows; what comes after fails. */
const MAX_ALL_EXPANDED = 4 * 1024 * 1024;
/** Pairs of names that are compared for their likeness, in all: at most a second. */
const MAX_COMPARED = 50_000;
const NONE: ReadonlySet<string> = new Set();

/** An expander for the words of a file with that escape character. */
export function createExpander(escapeChar: string): Expander {
  let room = MAX_ALL_EXPANDED;
  let comparisons = MAX_COMPARED;
  return {
    expand(word, env, o = { escape: escapeChar }) {
      const source = o.text ?? word.text;
      if (room <= 0) return { word, text: '', words: [], found: NONE, unset: NONE, failed: true };
      const found = new Set<string>();
      const unset = new Set<string>();
      const { text, words, error } = expandWord(
        source,
        source.includes('$') ? notingLookups(env, found, unset) : env,
        o,
      );
      room -= text.length;
      return { word, text, words, found, unset, failed: error !== undefined };
    },
    nearest(name, candidates) {
      const names = [...candidates];
      comparisons -= names.length;
      return comparisons < 0 ? undefined : suggest(name, names);
    },
  };
}

/** The same map, which notes what it is asked for. */
function notingLookups(
  env: ReadonlyMap<string, string>,
  found: Set<string>,
  unset: Set<string>,
): ReadonlyMap<string, string> {
  const get = (name: string): string | undefined => {
    const value = env.get(name);
    // `$1`, `$@` and such are empty and nobody's mistake.
    if (/^[\p{L}_]/u.test(name)) (value === undefined ? unset : found).add(name);
    return value;
  };
  return new Proxy(env, {
    get(map, property) {
      if (property === 'get') return get;
      const value: unknown = Reflect.get(map, property);
      return typeof value === 'function' ? value.bind(map) : value;
    },
  });
}
