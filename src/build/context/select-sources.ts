import { matchGlob } from '../../dockerfile/glob.ts';
import { matchIgnore, mayReinclude, parseIgnorePatterns } from '../../dockerfile/ignore.ts';
import { buildError } from '../errors.ts';
import type { SourceNode } from './file-source.ts';
import { type Excludes, type Selection, selectFiles, type TypedSource } from './select-files.ts';
import { selectParents } from './select-parents.ts';

/** How a COPY takes its sources. */
export interface SelectOptions {
  /** `--exclude`, in order. */
  readonly exclude?: readonly string[] | undefined;
  /** `--parents`: the folders on the way are kept. */
  readonly parents?: boolean | undefined;
}

/** The files that the sources of a COPY with these flags select. @throws BUILD_EXCLUDE_INVALID */
export function selectSources<N extends SourceNode>(
  place: TypedSource<N>,
  sources: readonly string[],
  o: SelectOptions = {},
): Selection<N> {
  const exclude = createExcludes(o.exclude ?? []);
  return o.parents === true
    ? selectParents(place, sources, matchGlob, exclude)
    : selectFiles(place, sources, matchGlob, exclude);
}

/** @throws BUILD_EXCLUDE_INVALID */
function createExcludes(patterns: readonly string[]): Excludes | undefined {
  const parsed = parseIgnorePatterns(patterns);
  const [problem] = parsed.problems;
  if (problem !== undefined) {
    throw buildError('BUILD_EXCLUDE_INVALID', {
      pattern: patterns[problem.line - 1] ?? '',
      message: problem.message,
    });
  }
  if (parsed.patterns.length === 0) return undefined;
  return {
    excludes: (path) => matchIgnore(parsed, path).ignored,
    mayReinclude: (folder) => mayReinclude(parsed, folder),
  };
}
