import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import { replaceFile } from './atomic-file.ts';
import { readNames } from './blob-files.ts';
import type { Notes } from './contract.ts';
import { writeFailure } from './errors.ts';
import { fileKey, keyFile } from './keys.ts';
import { removeFile } from './remove-file.ts';
import type { OnWritePoint } from './write-points.ts';

/** Notes as files `notes/<kind>/<key>`: replaced in one step, not synced, since losing one costs time only. */
export function createNotes(folder: string, ensure: () => void, at: OnWritePoint): Notes {
  const notePath = (kind: string, key: string): string =>
    join(folder, 'notes', keyFile('kind of a note', kind), keyFile('key of a note', key));

  return {
    async get(kind, key, o = {}) {
      o.signal?.throwIfAborted();
      try {
        return readFileSync(notePath(kind, key));
      } catch (error) {
        if (systemCode(error) === 'ENOENT') return undefined;
        throw error;
      }
    },
    async put(kind, key, bytes, o = {}) {
      o.signal?.throwIfAborted();
      const path = notePath(kind, key);
      try {
        ensure();
        replaceFile(folder, path, bytes, {
          durable: false,
          onWritten: () => at('note-written'),
          onRenamed: () => at('note-renamed'),
        });
      } catch (error) {
        throw writeFailure(error, folder, 'writing a note');
      }
    },
    async remove(kind, key) {
      const path = notePath(kind, key);
      try {
        removeFile(path);
      } catch (error) {
        throw writeFailure(error, folder, 'removing a note');
      }
    },
    async *list(kind, o = {}) {
      for (const name of readNames(join(folder, 'notes', keyFile('kind of a note', kind)))) {
        o.signal?.throwIfAborted();
        const key = fileKey(name);
        if (key !== undefined) yield key;
      }
    },
    path: notePath,
  };
}
