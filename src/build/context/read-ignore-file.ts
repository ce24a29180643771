import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { systemCode } from '../../base/errors.ts';
import { buildError } from '../errors.ts';

export interface IgnoreFile {
  /** As messages call it. */
  readonly name: string;
  readonly text: string;
}

/** The rules that hold for a context: `<Dockerfile>.dockerignore` beside the Dockerfile, else the folder's `.dockerignore`, else none. @throws BUILD_CONTEXT_UNREADABLE */
export function readIgnoreFile(folder: string, dockerfilePath?: string): IgnoreFile | undefined {
  const own = dockerfilePath === undefined ? [] : [`${dockerfilePath}.dockerignore`];
  for (const path of [...own, join(folder, '.dockerignore')]) {
    try {
      return { name: basename(path), text: readFileSync(path, 'utf8') };
    } catch (error) {
      const code = systemCode(error) ?? '';
      if (code === 'ENOENT' || code === 'ENOTDIR') continue;
      throw buildError('BUILD_CONTEXT_UNREADABLE', { path, code }, { cause: error });
    }
  }
  return undefined;
}
