import { compileIgnorePattern, type IgnorePattern, type NamesMatched } from './ignore-pattern.ts';

/** A .dockerignore as a value. */
export interface IgnorePatterns {
  readonly patterns: readonly IgnorePattern[];
  /** Patterns that mean nothing; a build with one fails. */
  readonly problems: readonly { readonly line: number; readonly message: string }[];
}

export interface IgnoreMatch {
  readonly ignored: boolean;
  /** Of the pattern that decided, also when it let the path in again; undefined if none matched. */
  readonly line: number | undefined;
}

/** Folders remembered with what matched them, so that their files need not ask again. */
const MAX_REMEMBERED = 4096;

/** Reads a .dockerignore: comments start in column 1, blanks around a pattern are dropped, a leading `/` means nothing (spec build.md a.10). Never throws. */
export function parseIgnoreFile(text: string): IgnorePatterns {
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  return readPatterns(lines.map((line) => (line.startsWith('#') ? '' : line)));
}

/** Patterns given one by one (`--exclude`), the first as line 1: as those of a .dockerignore, but none is a comment. Never throws. */
export function parseIgnorePatterns(patterns: readonly string[]): IgnorePatterns {
  return readPatterns(patterns);
}

function readPatterns(lines: readonly string[]): IgnorePatterns {
  const patterns: IgnorePattern[] = [];
  const problems: { line: number; message: string }[] = [];
  for (const [index, raw] of lines.entries()) {
    const line = index + 1;
    const trimmed = raw.trim();
    if (trimmed === '') continue;
    const reincludes = trimmed.startsWith('!');
    const written = reincludes ? trimmed.slice(1).trim() : trimmed;
    if (written === '') {
      problems.push({ line, message: 'illegal exclusion pattern: "!"' });
      continue;
    }
    const cleaned = cleanPath(written);
    const pattern = compileIgnorePattern(
      cleaned.length > 1 && cleaned.startsWith('/') ? cleaned.slice(1) : cleaned,
      reincludes,
      line,
    );
    if (pattern === undefined) {
      problems.push({ line, message: `syntax error in pattern ${JSON.stringify(written)}` });
    } else patterns.push(pattern);
  }
  return { patterns, problems };
}

/** Whether a path (relative, `/` between names, no leading one) is kept out, by itself or through a parent; the last pattern that matches decides. */
export function matchIgnore(ignore: IgnorePatterns, path: string): IgnoreMatch {
  const { patterns } = ignore;
  const cut = path.lastIndexOf('/');
  const parent = cut < 0 ? undefined : folderHits(ignore, path.slice(0, cut));
  let ignored = false;
  let line: number | undefined;
  for (let index = 0; index < patterns.length; index++) {
    const pattern = patterns[index]!;
    // A pattern that could change nothing is passed over, as the reference does: it does not take the decision over.
    if (pattern.reincludes !== ignored || (parent?.[index] !== 1 && !pattern.matches(path))) continue;
    ignored = !pattern.reincludes;
    line = pattern.line;
  }
  return { ignored, line };
}

/**
 * What is said about the names directly in a folder (`` is the top), by themselves or through a parent: the same about each of them, or as the function answers.
 * For a folder of many files: one look at the patterns for all of them.
 */
export function ignoredNames(ignore: IgnorePatterns, folder: string): boolean | ((name: string) => boolean) {
  const hits = folder === '' ? undefined : folderHits(ignore, folder);
  const names = folder === '' ? [] : folder.split('/');
  let all = false;
  let exceptions: { readonly matched: NamesMatched; readonly pattern: IgnorePattern }[] = [];
  for (let index = 0; index < ignore.patterns.length; index++) {
    const pattern = ignore.patterns[index]!;
    const matched = hits?.[index] === 1 ? 'all' : pattern.namesIn(names);
    if (matched === 'all') {
      all = !pattern.reincludes;
      exceptions = [];
      // Before the first that lets in, or keeps out, what is not so already, none changes anything.
    } else if (matched !== 'none' && (exceptions.length > 0 || pattern.reincludes === all)) {
      exceptions.push({ matched, pattern });
    }
  }
  if (exceptions.length === 0) return all;
  const byName = new Map<string, boolean>();
  for (const { matched, pattern } of exceptions) {
    if (typeof matched === 'object') byName.set(matched.only, !pattern.reincludes);
  }
  if (exceptions.every(({ matched }) => typeof matched === 'object'))
    return (name) => byName.get(name) ?? all;
  return (name) => {
    const path = folder === '' ? name : `${folder}/${name}`;
    let ignored = all;
    for (const { matched, pattern } of exceptions) {
      if (pattern.reincludes !== ignored) continue;
      if (typeof matched === 'object' ? matched.only === name : pattern.matches(path)) {
        ignored = !pattern.reincludes;
      }
    }
    return ignored;
  };
}

/** False if nothing below this folder can be let in again: a walk need not enter it once it is ignored. */
export function mayReinclude(ignore: IgnorePatterns, folder: string): boolean {
  const names = folder.split('/');
  return ignore.patterns.some((pattern) => pattern.reincludes && pattern.reachesBelow(names));
}

/** Path with `.`, `..` and doubled slashes resolved, as Go's path.Clean: never empty. */
export function cleanPath(path: string): string {
  const rooted = path.startsWith('/');
  const out: string[] = [];
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name !== '..') out.push(name);
    else if (out.length > 0 && out.at(-1) !== '..') out.pop();
    else if (!rooted) out.push('..');
  }
  const joined = out.join('/');
  return rooted ? `/${joined}` : joined === '' ? '.' : joined;
}

const remembered = new WeakMap<IgnorePatterns, Map<string, Uint8Array>>();

/** Which patterns match the folder or a parent of it. */
function folderHits(ignore: IgnorePatterns, folder: string): Uint8Array {
  let known = remembered.get(ignore);
  if (known === undefined) {
    known = new Map();
    remembered.set(ignore, known);
  }
  let hits = known.get(folder);
  if (hits === undefined) {
    // From the top down, without recursion: paths may be as deep as they like.
    let above: Uint8Array = new Uint8Array(ignore.patterns.length);
    for (let end = folder.indexOf('/'); ; end = folder.indexOf('/', end + 1)) {
      const part = end < 0 ? folder : folder.slice(0, end);
      let here = known.get(part);
      if (here === undefined) {
        here = new Uint8Array(ignore.patterns.length);
        for (const [index, pattern] of ignore.patterns.entries()) {
          here[index] = above[index] === 1 || pattern.matches(part) ? 1 : 0;
        }
        if (known.size >= MAX_REMEMBERED) known.clear();
        known.set(part, here);
      }
      above = here;
      if (end < 0) break;
    }
    hits = above;
  }
  return hits;
}
