import { compileGlob } from '../../dockerfile/glob.ts';
import { compileIgnorePattern } from '../../dockerfile/ignore-pattern.ts';

/** Patterns in one list, and characters of one. */
const MAX_PATTERNS = 200;
const MAX_LENGTH = 1000;

/** What is wanted instead of a pattern of paths that is none; undefined if it is one. */
export function patternProblem(pattern: string): string | undefined {
  const text = cleanPattern(pattern);
  if (text === '' || text === '**/') return 'a pattern of paths';
  if (text.length > MAX_LENGTH) return `a pattern of at most ${MAX_LENGTH} characters`;
  return compileGlob(text) === undefined ? 'a pattern whose [ and \\ are complete' : undefined;
}

/** What is wanted instead of a list of patterns that is too long; undefined if it is not. */
export function patternsProblem(patterns: readonly string[]): string | undefined {
  return patterns.length > MAX_PATTERNS ? `at most ${MAX_PATTERNS} patterns` : undefined;
}

/** A pattern and what it matched: the path itself, or a folder above it. */
export interface PatternMatch {
  readonly pattern: string;
  readonly path: string;
}

/**
 * Finds the pattern that a path, or a folder above it, matches. Paths have no slash at their ends. `*`, `?` and `[a-z]` stop at `/`, `**` does not; a pattern
 * without a `/` is matched with names in every folder, any other with whole paths from the root.
 */
export function pathMatcher(patterns: readonly string[]): (path: string) => PatternMatch | undefined {
  const compiled = patterns.map((pattern) => ({
    pattern,
    matches: compileIgnorePattern(cleanPattern(pattern), false, 0)?.matches ?? (() => false),
  }));
  // Paths come folder by folder: each folder is matched once.
  const folders = new Map<string, PatternMatch | undefined>();
  const direct = (path: string): PatternMatch | undefined => {
    const found = compiled.find(({ matches }) => matches(path));
    return found === undefined ? undefined : { pattern: found.pattern, path };
  };
  const folder = (path: string): PatternMatch | undefined => {
    if (folders.has(path)) return folders.get(path);
    const slash = path.lastIndexOf('/');
    const match = (slash < 0 ? undefined : folder(path.slice(0, slash))) ?? direct(path);
    folders.set(path, match);
    return match;
  };
  return (path) => {
    if (compiled.length === 0) return undefined;
    const slash = path.lastIndexOf('/');
    return (slash < 0 ? undefined : folder(path.slice(0, slash))) ?? direct(path);
  };
}

function cleanPattern(pattern: string): string {
  const text = pattern.replace(/\/+$/, '');
  return text.includes('/') ? text.replace(/^\/+/, '') : `**/${text}`;
}
