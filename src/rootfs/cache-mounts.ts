/**
 * Folders that outlive the steps that use them: `RUN --mount=type=cache`. Plain directories in the store's folder, each with a lock that ends with the
 * process that holds it, so that nothing that happens to a build leaves one locked or half-made.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { systemCode } from '../base/errors.ts';
import { fsPath } from '../base/names.ts';
import type { CallOptions } from '../base/options.ts';
import { AT_FDCWD, chmodAt, chownAt, isErrno } from '../linux/at.ts';
import { type FileLock, openLock } from '../linux/flock.ts';
import { rootfsError } from './errors.ts';
import { folderBytes } from './folder-bytes.ts';
import { removeTree } from './remove-tree.ts';
import { withPlace } from './system-errors.ts';
import type { CacheMountChoice, CacheMountUse } from './types.ts';

export interface CacheMountRequest {
  readonly id: string;
  /** `shared`: by many at once; `locked`: one after the other; `private`: another one for whoever comes second. */
  readonly sharing: 'shared' | 'private' | 'locked';
  /** Of the folder of a new one: 0755 and root's without them. */
  readonly mode?: number | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** What a new one starts with: a name for its content, and how it comes into a folder. */
  readonly seed?: { readonly name: string; readonly fill: (folder: string) => Promise<void> } | undefined;
}

export interface CacheMounts {
  /** The folder, held until `release` or the end of this process. `onWait` is called once if somebody else holds it. @throws ROOTFS_OWNER, ROOTFS_SYSTEM */
  open(
    request: CacheMountRequest,
    o?: CallOptions & { readonly onWait?: () => void },
  ): Promise<{ readonly folder: string; release(): void }>;
  list(): CacheMountUse[];
  /** Removes those that are chosen and not in use; what was removed. */
  remove(choice: CacheMountChoice): CacheMountUse[];
}

const DEFAULT_MODE = 0o755;
/** Characters of a folder's name: enough that no two ids share one. */
const NAME_CHARACTERS = 32;
/** Names of finished caches; whatever else lies beside them was half-made or half-removed. */
const FINISHED = /^[0-9a-f]{32}(?:\.\d+)?$/;
/** Pause between looks at a lock, in milliseconds: first and longest. */
const FIRST_PAUSE_MS = 2;
const LONGEST_PAUSE_MS = 100;
/** More copies of one private cache than builds that could run at once. */
const MAX_COPIES = 1000;

/** The cache mounts of the store in this folder; nothing is made before the first is opened. */
export function createCacheMounts(storeFolder: string): CacheMounts {
  const base = `${storeFolder}/cache-mounts`;
  const [data, notes, locks] = [`${base}/data`, `${base}/notes`, `${base}/locks`] as const;
  const lockOf = (name: string, mode: 'shared' | 'exclusive'): FileLock | undefined =>
    withPlace('locking', `${locks}/${name}`, () => openLock(`${locks}/${name}`, mode));

  const make = async (name: string, request: CacheMountRequest): Promise<void> => {
    const { id, mode, uid, gid, seed } = request;
    const fresh = `${data}/${name}.new`;
    removeTree(fresh);
    withPlace('making', fresh, () => mkdirSync(fsPath(fresh), { mode: DEFAULT_MODE }));
    await seed?.fill(fresh);
    try {
      if (seed === undefined || uid !== undefined || gid !== undefined)
        chownAt(AT_FDCWD, fresh, uid ?? 0, gid ?? 0);
    } catch (error) {
      if (!isErrno(error, 'EINVAL', 'EPERM')) throw error;
      throw rootfsError(
        'ROOTFS_OWNER',
        { path: `the cache ${id}`, uid: uid ?? 0, gid: gid ?? 0 },
        { cause: error },
      );
    }
    if (seed === undefined || mode !== undefined) chmodAt(AT_FDCWD, fresh, mode ?? DEFAULT_MODE);
    withPlace('writing', notes, () => writeFileSync(`${notes}/${name}`, JSON.stringify({ id })));
    renameSync(fresh, `${data}/${name}`);
  };

  /** A lock on an existing cache; undefined when it cannot be had now. */
  const take = async (name: string, request: CacheMountRequest): Promise<FileLock | undefined> => {
    if (!existsSync(`${data}/${name}`)) {
      const making = lockOf(name, 'exclusive');
      if (making === undefined) return undefined;
      try {
        if (!existsSync(`${data}/${name}`)) await make(name, request);
      } finally {
        making.release();
      }
    }
    const lock = lockOf(name, request.sharing === 'shared' ? 'shared' : 'exclusive');
    // Between the two a prune may have come.
    if (lock === undefined || existsSync(`${data}/${name}`)) return lock;
    lock.release();
    return undefined;
  };

  const readNote = (name: string): CacheMountUse | undefined => {
    try {
      const { id } = JSON.parse(readFileSync(`${notes}/${name}`, 'utf8')) as { id?: unknown };
      if (typeof id !== 'string') return undefined;
      const bytes = folderBytes(`${data}/${name}`);
      return { id, bytes, usedAt: statSync(`${notes}/${name}`).mtimeMs };
    } catch (error) {
      if (systemCode(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
      throw error;
    }
  };

  return {
    async open(request, o = {}) {
      withPlace('making', base, () => {
        for (const folder of [base, data, notes, locks])
          mkdirSync(fsPath(folder), { recursive: true, mode: 0o700 });
      });
      const first = nameOf(request);
      let waited = false;
      for (let turn = 0, pause = FIRST_PAUSE_MS; ; turn++) {
        o.signal?.throwIfAborted();
        const copy = request.sharing === 'private' ? turn % MAX_COPIES : 0;
        const name = copy === 0 ? first : `${first}.${copy}`;
        const lock = await take(name, request);
        if (lock !== undefined) {
          const now = new Date();
          utimesSync(`${notes}/${name}`, now, now);
          return { folder: `${data}/${name}`, release: () => lock.release() };
        }
        if (request.sharing === 'private') continue;
        if (!waited) o.onWait?.();
        waited = true;
        await new Promise((resume) => setTimeout(resume, pause));
        pause = Math.min(LONGEST_PAUSE_MS, pause * 1.5);
      }
    },
    list: () => namesIn(data).flatMap((name) => readNote(name) ?? []),
    remove({ ids, olderThan }) {
      const removed: CacheMountUse[] = [];
      for (const name of existsSync(data) ? readdirSync(data) : []) {
        const finished = FINISHED.test(name);
        const lock = lockOf(name.replace(/\.(?:new|gone)$/, ''), 'exclusive');
        if (lock === undefined) continue;
        try {
          if (!finished) {
            removeTree(`${data}/${name}`);
            continue;
          }
          const use = readNote(name) ?? { id: name, bytes: folderBytes(`${data}/${name}`), usedAt: 0 };
          if (ids !== undefined && !ids.includes(use.id)) continue;
          if (olderThan !== undefined && use.usedAt >= olderThan) continue;
          removeTree(`${data}/${name}.gone`);
          renameSync(`${data}/${name}`, `${data}/${name}.gone`);
          rmSync(`${notes}/${name}`, { force: true });
          removeTree(`${data}/${name}.gone`);
          removed.push(use);
        } finally {
          lock.release();
        }
      }
      return removed;
    },
  };
}

/** Caches of other owners, modes or beginnings are others, as in BuildKit: what is in them could not be used. */
function nameOf({ id, mode, uid, gid, seed }: CacheMountRequest): string {
  const text = JSON.stringify([id, mode ?? DEFAULT_MODE, uid ?? 0, gid ?? 0, seed?.name ?? '']);
  return createHash('sha256').update(text).digest('hex').slice(0, NAME_CHARACTERS);
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => FINISHED.test(name)) : [];
}
