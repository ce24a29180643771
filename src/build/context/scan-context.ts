/**
 * What a COPY takes from a folder: listed and looked up in the index of known contents. Synchronous, so that it runs
 * inline for small folders and in a worker for big ones; tasks and answers are plain data.
 * @module
 */
import { createDiskSource, type DiskNode, TOO_MANY_FILES } from './disk-source.ts';
import { followLinks } from './file-source.ts';
import { createIgnoreRules } from './ignore-rules.ts';
import { describeMissing, type SelectedSource } from './select-files.ts';
import { type SelectOptions, selectSources } from './select-sources.ts';
import type { StatIndex } from './stat-index.ts';

export interface ScanTask {
  readonly folder: string;
  readonly ignoreText: string | undefined;
  readonly sources: readonly string[];
  readonly flags?: SelectOptions | undefined;
}

/** Why a source is not in the context, as facts of BUILD_NOT_IN_CONTEXT. */
export interface NotInContext {
  readonly path: string;
  readonly near?: string | undefined;
  readonly broken?: string | undefined;
  readonly ignored?: { readonly line: number; readonly pattern: string } | undefined;
}

export interface Scan {
  readonly sources: readonly SelectedSource<DiskNode>[];
  readonly missing?: NotInContext | undefined;
  /** Files and folders kept out by the rules where a source was listed; a folder not entered counts once. */
  readonly ignored: number;
}

/** The files that the sources select; contents found in `index` have their digest. Undefined when more than `limit` files had to be looked at. @throws BUILD_CONTEXT_UNREADABLE, BUILD_CONTEXT_DEVICE, BUILD_EXCLUDE_INVALID */
export function scanContext(
  task: ScanTask,
  index: StatIndex,
  limit = Number.POSITIVE_INFINITY,
): Scan | undefined {
  const rules = task.ignoreText === undefined ? undefined : createIgnoreRules(task.ignoreText);
  const disk = createDiskSource(task.folder, { rules, limit, knownDigest: index.find });
  try {
    const { sources, missing } = selectSources(disk, task.sources, task.flags);
    if (missing === undefined) return { sources, ignored: disk.ignored };
    return { sources: [], ignored: disk.ignored, missing: explainMissing(task, missing) };
  } catch (error) {
    if (error === TOO_MANY_FILES) return undefined;
    throw error;
  }
}

/** Looks at the folder as it is without the rules: what is there but excluded is named with the line that excludes it. */
function explainMissing(task: ScanTask, path: string): NotInContext {
  const raw = createDiskSource(task.folder);
  const rules = task.ignoreText === undefined ? undefined : createIgnoreRules(task.ignoreText);
  const { near, broken } = describeMissing(raw, path);
  if (near === path) {
    const target = raw.get(path)?.linkTo;
    const excluded = rules?.lineExcluding(path) ?? rules?.lineExcluding(followLinks(raw, path) ?? '');
    return { path, broken: rules?.lineExcluding(path) === undefined ? target : undefined, ignored: excluded };
  }
  return { path, near, broken, ignored: near === undefined ? undefined : rules?.lineExcluding(near) };
}
