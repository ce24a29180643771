import { closeSync, constants, openSync } from 'node:fs';
import { readBoundedFd } from '../../base/bounded-file.ts';
import { fsPath } from '../../base/names.ts';
import { buildError } from '../errors.ts';
import { createDiskSource } from './disk-source.ts';
import { clampPath, followLinks } from './file-source.ts';

/** The text of a file of a folder that somebody else filled; its links lead nowhere outside. Undefined if there is none. @throws BUILD_CONTEXT_UNREADABLE */
export function readInside(folder: string, name: string, maxBytes: number): string | undefined {
  const unreadable = (code: string) => buildError('BUILD_CONTEXT_UNREADABLE', { path: name, code });
  const path = followLinks(createDiskSource(folder), clampPath(name));
  if (path === undefined) return undefined;
  const fd = openSync(
    fsPath(`${folder}/${path}`),
    constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
  );
  try {
    const bytes = readBoundedFd(fd, maxBytes, { found: true });
    if ('why' in bytes) throw unreadable(bytes.why);
    return bytes.toString('utf8');
  } finally {
    closeSync(fd);
  }
}
