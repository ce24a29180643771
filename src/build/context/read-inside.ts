import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
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
    const found = fstatSync(fd);
    if (!found.isFile()) throw unreadable('it is no file');
    if (found.size > maxBytes) throw unreadable(`${found.size} bytes are more than ${maxBytes}`);
    return readFileSync(fd, 'utf8');
  } finally {
    closeSync(fd);
  }
}
