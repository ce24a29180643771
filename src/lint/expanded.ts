import type { Word } from '../dockerfile/ast.ts';
import { type ExpandOptions, expandWord } from '../dockerfile/expand.ts';

/** A word with its variables put in, and the names that it asked for. */
export interface Expanded {
  readonly word: Word;
  readonly text: string;
  /** Split at blanks that came out of variables. */
  readonly words: readonly string[];
  readonly found: ReadonlySet<string>;
  /** Not set, also where the word has something for that case (`${x:-y}`). */
  readonly unset: ReadonlySet<string>;
  readonly failed: boolean;
}

/** Puts variables into a word and notes every name it looks up. `text` stands for the word's own (the body of a heredoc). */
export function expand(
  word: Word,
  env: ReadonlyMap<string, string>,
  o: ExpandOptions & { readonly text?: string },
): Expanded {
  const source = o.text ?? word.text;
  if (!source.includes('$')) return { ...plain(word, source, env, o), found: NONE, unset: NONE };
  const found = new Set<string>();
  const unset = new Set<string>();
  const noting = new Proxy(env, {
    get: (map, property) =>
      property === 'get'
        ? (name: string) => {
            const value = map.get(name);
            // `$1`, `$@` and such are empty and nobody's mistake.
            if (/^[\p{L}_]/u.test(name)) (value === undefined ? unset : found).add(name);
            return value;
          }
        : Reflect.get(map, property),
  });
  return { ...plain(word, source, noting, o), found, unset };
}

const NONE: ReadonlySet<string> = new Set();

function plain(
  word: Word,
  source: string,
  env: ReadonlyMap<string, string>,
  o: ExpandOptions,
): Omit<Expanded, 'found' | 'unset'> {
  const { text, words, error } = expandWord(source, env, o);
  return { word, text, words, failed: error !== undefined };
}
