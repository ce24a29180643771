import { basename, join } from 'node:path';
import { readBounded } from '../../base/bounded-file.ts';
import { isDobosError, systemCode } from '../../base/errors.ts';
import { buildError } from '../errors.ts';
import { readInside } from './read-inside.ts';

export interface IgnoreFile {
  /** As messages call it. */
  readonly name: string;
  readonly text: string;
}

/** Written by hand these have a few KiB; every rule is asked for every file. */
const MAX_IGNORE_BYTES = 1024 * 1024;

/** The rules that hold for a context: `<Dockerfile>.dockerignore` beside the Dockerfile, else the folder's `.dockerignore`, else none. @throws BUILD_CONTEXT_UNREADABLE */
export function readIgnoreFile(folder: string, dockerfilePath?: string): IgnoreFile | undefined {
  const own = dockerfilePath === undefined ? [] : [`${dockerfilePath}.dockerignore`];
  for (const path of [...own, join(folder, '.dockerignore')]) {
    try {
      const bytes = readBounded(path, MAX_IGNORE_BYTES, { found: true });
      if ('why' in bytes) throw buildError('BUILD_CONTEXT_UNREADABLE', { path, code: bytes.why });
      return { name: basename(path), text: bytes.toString('utf8') };
    } catch (error) {
      if (isDobosError(error)) throw error;
      const code = systemCode(error) ?? '';
      if (code === 'ENOENT' || code === 'ENOTDIR') continue;
      throw buildError('BUILD_CONTEXT_UNREADABLE', { path, code }, { cause: error });
    }
  }
  return undefined;
}

/** The same of a context that somebody else filled; `dockerfile` is a path in it. @throws BUILD_CONTEXT_UNREADABLE */
export function readForeignIgnoreFile(folder: string, dockerfile?: string): IgnoreFile | undefined {
  const own = dockerfile === undefined ? [] : [`${dockerfile}.dockerignore`];
  for (const name of [...own, '.dockerignore']) {
    const text = readInside(folder, name, MAX_IGNORE_BYTES);
    if (text !== undefined) return { name: basename(name), text };
  }
  return undefined;
}
