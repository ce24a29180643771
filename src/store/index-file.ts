import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { replaceFile } from './atomic-file.ts';
import { readFailure, storeError, writeFailure } from './errors.ts';
import { checkIsFolder, checkLayoutVersion } from './layout.ts';
import { formatIndex, type LayoutIndex, NEW_INDEX, parseIndex } from './layout-index.ts';
import { acquireLock } from './locks.ts';
import type { OnWritePoint } from './write-points.ts';

/** Bytes of an index.json that are read: some 200,000 names. */
const MAX_INDEX_BYTES = 64 * 1024 * 1024;

export interface IndexFile {
  /** The index as it stands; an absent file is an empty index. Parsed again only when the file is another. @throws STORE_FORMAT */
  read(): LayoutIndex;
  /** Replaces the index by what `change` makes of it, alone among all processes; writes nothing if that is the same. */
  edit(change: (index: LayoutIndex) => LayoutIndex, o?: CallOptions): Promise<void>;
}

/** The `index.json` of `folder`; `ensure` makes the layout before the first change. */
export function createIndexFile(folder: string, ensure: () => void, at: OnWritePoint): IndexFile {
  const path = join(folder, 'index.json');
  let cached: { readonly stamp: string; readonly index: LayoutIndex } | undefined;
  let last: Promise<unknown> = Promise.resolve();

  const readOrFail = (): LayoutIndex => {
    const stamp = fileStamp(path);
    if (stamp === undefined) {
      checkIsFolder(folder);
      return NEW_INDEX;
    }
    if (cached?.stamp !== stamp) {
      checkLayoutVersion(folder);
      cached = { stamp, index: parseIndex(readFileSync(path, 'utf8'), path) };
    }
    return cached.index;
  };
  const read = (): LayoutIndex => {
    try {
      return readOrFail();
    } catch (error) {
      throw readFailure(error, folder, 'reading the names');
    }
  };

  const editLocked = async (change: (index: LayoutIndex) => LayoutIndex, o: CallOptions): Promise<void> => {
    try {
      ensure();
      const lock = await acquireLock(join(folder, 'lock', 'index'), 'exclusive', o);
      try {
        at('index-locked');
        const before = read();
        const after = change(before);
        if (after === before) return;
        replaceFile(folder, path, formatIndex(after), {
          durable: true,
          onWritten: () => at('index-written'),
          onRenamed: () => at('index-renamed'),
        });
        at('index-durable');
      } finally {
        lock.release();
      }
    } catch (error) {
      throw writeFailure(error, folder, 'changing the names');
    }
  };

  return {
    read,
    edit(change, o = {}) {
      // In one process edits queue up here instead of trying for the lock against each other.
      const turn = last.then(() => editLocked(change, o));
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}

function fileStamp(path: string): string | undefined {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    if (size > MAX_INDEX_BYTES) {
      throw storeError('STORE_FORMAT', { path, problem: `has ${size} bytes, more than ${MAX_INDEX_BYTES}` });
    }
    return `${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch (error) {
    const code = systemCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
