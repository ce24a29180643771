/**
 * A store in a folder that is an OCI image layout (image-spec 1.1.1): skopeo, umoci and others read it as it stands.
 * Beside `oci-layout`, `index.json` and `blobs/` it has `tmp/`, `partial/`, `lock/`, `leases/`, `roots/` and `notes/` (others put folders of their own beside them), which the layout allows.
 * This room moves and names bytes; it does not know what an image is beyond which blobs a manifest refers to.
 * Many processes of one machine may use a folder at once, and any of them may be killed at any moment. A folder shared between machines is not supported.
 * @module
 */
import { constants, existsSync, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { type ByteStream, bytesError, verify } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { Descriptor } from '../oci/types.ts';
import { createTemp, discardTemp, ownedTemp } from './atomic-file.ts';
import {
  blobSize,
  type HashedBlob,
  hasBlob,
  publish,
  readBlob,
  settleBlob,
  writeBlob,
} from './blob-files.ts';
import { blobPath } from './blob-path.ts';
import { checkFolder } from './check.ts';
import { collectFolder } from './collect.ts';
import { fromStart, type LocalStore, type OpenOptions, type StagedFile } from './contract.ts';
import { storeError, writeFailure } from './errors.ts';
import { createIndexFile } from './index-file.ts';
import { ensureLayout } from './layout.ts';
import { findName, namesOf, withName, withoutName } from './layout-index.ts';
import { createLeases } from './leases.ts';
import { acquireLock } from './locks.ts';
import { nearestNames } from './nearest-names.ts';
import { createNotes } from './notes.ts';
import { PARTIAL_FROM_BYTES } from './partial-files.ts';
import { recover } from './recover.ts';
import { putResumable } from './resumable-put.ts';
import { createRoots } from './roots.ts';
import type { OnWritePoint } from './write-points.ts';

export interface DirectoryStoreOptions {
  /** Called at each moment where a kill leaves something; for tests. */
  readonly onWritePoint?: OnWritePoint | undefined;
  /** Another store of this process on the same folder clears away what dead processes left. */
  readonly isCleared?: boolean | undefined;
}

/**
 * The store in `folder`. Opening touches nothing; the first write makes the layout (mode 0700) and clears away what dead processes left.
 * Reading loads no native code; the first change of a name does (7 ms).
 */
export function createDirectoryStore(
  folder: string,
  o: DirectoryStoreOptions = {},
): LocalStore & { readonly folder: string } {
  const at: OnWritePoint = o.onWritePoint ?? (() => {});
  let ensured = false;
  const ensure = (): void => {
    if (!ensured) ensureLayout(folder, at);
    ensured = true;
  };
  let recovered: Promise<unknown> | undefined;
  /** If nothing can be removed here, a write itself says so better. */
  const clear = async (): Promise<void> => {
    recovered ??= o.isCleared === true ? Promise.resolve() : recover(folder).catch(() => undefined);
    await recovered;
  };
  const begin = async (): Promise<void> => {
    ensure();
    await clear();
  };
  const index = createIndexFile(folder, ensure, at);
  const leases = createLeases(folder, ensure, at);
  const shared = { folder, index, at };

  /** Runs `write` so that no collection passes between the look at the blobs and the writing of what keeps them. */
  const guarded = async (
    targets: readonly Descriptor[],
    o: CallOptions,
    write: () => void | Promise<void>,
  ): Promise<void> => {
    if (leases.any) {
      await begin();
      for (const target of targets) await leases.protect(target, o);
      return write();
    }
    let lock: Awaited<ReturnType<typeof acquireLock>>;
    try {
      await begin();
      lock = await acquireLock(join(folder, 'lock', 'collect'), 'shared', o);
    } catch (error) {
      throw writeFailure(error, folder, 'locking the store');
    }
    try {
      await write();
    } finally {
      lock.release();
    }
  };

  const has = async (wanted: Descriptor, o: CallOptions = {}): Promise<boolean> => {
    o.signal?.throwIfAborted();
    if (!hasBlob(folder, wanted)) return false;
    if (!leases.any) return true;
    await leases.protect(wanted, o);
    return hasBlob(folder, wanted);
  };

  async function* open(wanted: Descriptor, o: OpenOptions = {}): ByteStream {
    o.signal?.throwIfAborted();
    blobPath(wanted.digest);
    if (leases.any && blobSize(folder, wanted.digest) !== undefined) await leases.protect(wanted, o);
    const bytes = readBlob(folder, wanted, o.range, o);
    try {
      yield* o.range === undefined ? verify(bytes, wanted) : bytes;
    } catch (error) {
      throw withCheckHint(error, folder);
    }
  }

  const unknownName = (name: string): Error => {
    const names = namesOf(index.read()).map(([other]) => other);
    const nearest = nearestNames(names, name);
    return storeError('STORE_NAME_UNKNOWN', { name, where: folder, nearest });
  };

  const write = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
    try {
      await begin();
      return await work();
    } catch (error) {
      throw writeFailure(error, folder, doing);
    }
  };

  return {
    folder,
    has,
    open,
    async put(expected, bytes, o = {}) {
      o.signal?.throwIfAborted();
      blobPath(expected.digest);
      await write(`storing ${expected.digest}`, async () => {
        await leases.protect(expected, o);
        const put = { at, signal: o.signal };
        if (!hasBlob(folder, expected)) {
          if (typeof bytes === 'function' && expected.size >= PARTIAL_FROM_BYTES)
            await putResumable(folder, bytes, expected, put);
          else await writeBlob(folder, fromStart(bytes), expected, put);
        } else {
          settleBlob(folder, expected.digest);
          if (typeof bytes !== 'function') await bytes[Symbol.asyncIterator]().return?.();
        }
      });
    },
    async ingest(bytes, mediaType, o = {}) {
      o.signal?.throwIfAborted();
      return write('storing a blob', async () => {
        const onHashed = (blob: HashedBlob): Promise<void> => leases.protect({ mediaType, ...blob }, o);
        const written = await writeBlob(folder, bytes, undefined, { at, onHashed, signal: o.signal });
        return { mediaType, ...written };
      });
    },
    async stage() {
      return write('staging a file', async () => stageIn(folder, at, async (blob) => leases.protect(blob)));
    },
    async locate(wanted, o = {}) {
      return (await has(wanted, o))
        ? { path: join(folder, blobPath(wanted.digest)), offset: 0, size: wanted.size }
        : undefined;
    },
    async resolve(name, o = {}) {
      o.signal?.throwIfAborted();
      const found = findName(index.read(), name);
      if (found === undefined) throw unknownName(name);
      if (leases.any) await leases.protect(found, o);
      return found;
    },
    async tag(name, target, o = {}) {
      o.signal?.throwIfAborted();
      blobPath(target.digest);
      const unchanged = (): boolean => {
        const before = index.read();
        return withName(before, name, target) === before;
      };
      if (unchanged() && (await has(target, o)) && unchanged()) {
        // What would have written: a build of which all is cached.
        await clear();
        return;
      }
      await guarded([target], o, async () => {
        if (!hasBlob(folder, target)) {
          throw storeError('STORE_NOT_FOUND', { digest: target.digest, where: folder });
        }
        await index.edit((before) => withName(before, name, target), o);
      });
    },
    async *list(o = {}) {
      o.signal?.throwIfAborted();
      yield* namesOf(index.read());
    },
    async remove(name, o = {}) {
      o.signal?.throwIfAborted();
      if (withoutName(index.read(), name) === undefined) throw unknownName(name);
      await index.edit((before) => {
        const after = withoutName(before, name);
        if (after === undefined) throw unknownName(name);
        return after;
      }, o);
    },
    async lease() {
      return leases.open();
    },
    async collect(o = {}) {
      o.signal?.throwIfAborted();
      if (!existsSync(join(folder, 'blobs'))) return { blobs: [], bytes: 0 };
      if (o.dryRun !== true) await write('collecting what is not used', async () => {});
      return collectFolder(shared, o);
    },
    check: (o = {}) => checkFolder(shared, o),
    notes: createNotes(folder, ensure, at),
    roots: createRoots({ folder, ensure, guarded, at }),
  };
}

/** A new temporary file whose bytes become a blob on commit. */
function stageIn(folder: string, at: OnWritePoint, protect: (blob: Descriptor) => Promise<void>): StagedFile {
  const made = createTemp(folder);
  made.close();
  at('temp-created');
  return {
    path: made.path,
    async commit(written) {
      blobPath(written.digest);
      try {
        const temp = ownedTemp(made.path, openSync(made.path, constants.O_RDONLY | constants.O_NOFOLLOW));
        try {
          const { size } = fstatSync(temp.fd);
          if (size !== written.size) {
            throw storeError('STORE_STAGED_SIZE', { digest: written.digest, want: written.size, got: size });
          }
          await protect(written);
          if (hasBlob(folder, written)) {
            settleBlob(folder, written.digest);
            discardTemp(temp);
          } else await publish(folder, temp, written, at);
        } finally {
          temp.close();
        }
      } catch (error) {
        discardTemp(made);
        throw writeFailure(error, folder, `storing ${written.digest}`);
      }
      return written;
    },
    async abort() {
      discardTemp(made);
    },
  };
}

/** A stored blob whose bytes are wrong is damage in this folder, not a wrong answer from outside: the advice says so. */
function withCheckHint(error: unknown, folder: string): unknown {
  if (!isDobosError(error, 'BYTES_MISMATCH')) return error;
  const hint = `a blob in ${folder} is damaged: "dobos system check --repair" removes it; then pull, load or build its image again`;
  return bytesError('BYTES_MISMATCH', error.facts as Parameters<typeof bytesError<'BYTES_MISMATCH'>>[1], {
    hint,
  });
}
