import { ignoredNames, matchIgnore, mayReinclude, parseIgnoreFile } from '../../dockerfile/ignore.ts';
import { buildError } from '../errors.ts';
import type { IgnoreRules } from './disk-source.ts';

export interface IgnoreFileRules extends IgnoreRules {
  /** The line that keeps this path out. */
  lineExcluding(path: string): { readonly line: number; readonly pattern: string } | undefined;
}

/** The rules of a .dockerignore. @throws BUILD_IGNORE_INVALID */
export function createIgnoreRules(text: string): IgnoreFileRules | undefined {
  const ignore = parseIgnoreFile(text);
  const [problem] = ignore.problems;
  if (problem !== undefined) throw buildError('BUILD_IGNORE_INVALID', problem);
  if (ignore.patterns.length === 0) return undefined;
  return {
    excludes: (path) => matchIgnore(ignore, path).ignored,
    mayReinclude: (folder) => mayReinclude(ignore, folder),
    excludedNames: (folder) => ignoredNames(ignore, folder),
    lineExcluding(path) {
      const { ignored, line } = matchIgnore(ignore, path);
      if (!ignored || line === undefined) return undefined;
      return { line, pattern: (text.split('\n')[line - 1] ?? '').trim() };
    },
  };
}
