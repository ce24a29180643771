import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { verify } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import type { Descriptor, Digest } from '../oci/types.ts';
import { blobSize, listBlobs, readBlob, readNames } from './blob-files.ts';
import { ALGORITHMS, blobPath, isDigest } from './blob-path.ts';
import { type CollectFolder, folderSource, readRoots } from './collect.ts';
import type { CheckOptions, StoreProblem } from './contract.ts';
import { writeFailure } from './errors.ts';
import { namesOf, targetsOf } from './layout-index.ts';
import { hasStaleMarker, readLeases } from './leases.ts';
import { findLeftovers } from './leftovers.ts';
import { markLive, missingByDamage } from './mark.ts';
import { recover } from './recover.ts';
import { removeFile } from './remove-file.ts';

/** Every problem of a store on disk; reads all blobs once (about 1 GB a second). Live processes' unfinished work is no problem. */
export async function* checkFolder(store: CollectFolder, o: CheckOptions): AsyncIterable<StoreProblem> {
  yield* checkLeftovers(store.folder, o);
  yield* checkFiles(store.folder, o);
  yield* checkBlobs(store.folder, o);
  yield* checkReferences(store, o);
}

async function* checkLeftovers(folder: string, o: CheckOptions): AsyncIterable<StoreProblem> {
  const found = findLeftovers(folder);
  const stale = await hasStaleMarker(folder);
  if (stale) found.push('lock/collecting');
  const repaired = o.repair === true;
  if (repaired) await recover(folder, o);
  for (const path of found) {
    yield { kind: 'leftover', what: `${path} of a process that no longer runs`, repaired };
  }
}

/** Files among the blobs that are none: other names, links, folders. */
function* checkFiles(folder: string, o: CheckOptions): Iterable<StoreProblem> {
  for (const algorithm of ALGORITHMS) {
    for (const name of readNames(join(folder, 'blobs', algorithm))) {
      const path = join('blobs', algorithm, name);
      const digest = `${algorithm}:${name}`;
      if (isDigest(digest) && lstatSync(join(folder, path)).isFile()) continue;
      const problem = isDigest(digest) ? 'is not a regular file' : 'is not named by a digest';
      if (isDigest(digest))
        yield { kind: 'corrupt', what: `${path} ${problem}`, digest, repaired: remove(folder, path, o) };
      else yield { kind: 'leftover', what: `${path} ${problem}`, repaired: false };
    }
  }
}

async function* checkBlobs(folder: string, o: CheckOptions): AsyncIterable<StoreProblem> {
  for (const { digest, size } of listBlobs(folder)) {
    o.signal?.throwIfAborted();
    const problem = await corruption(folder, { mediaType: '', digest, size }, o);
    o.onEvent?.({ digest });
    if (problem === undefined) continue;
    const repaired = remove(folder, blobPath(digest), o);
    yield { kind: 'corrupt', what: `blob ${problem}`, digest, repaired };
  }
}

/** Names, roots and leases, and whether all they reach is stored. */
async function* checkReferences(
  { folder, index }: CollectFolder,
  o: CheckOptions,
): AsyncIterable<StoreProblem> {
  const { roots, broken } = readRoots(folder);
  for (const path of broken) {
    const name = path.slice(folder.length + 1);
    yield {
      kind: 'broken-root',
      what: `${name} cannot be read as a root`,
      repaired: remove(folder, name, o),
    };
  }
  const starts: Descriptor[] = readLeases(folder).filter(
    ({ digest }) => blobSize(folder, digest) !== undefined,
  );
  const names = new Map<Digest, string>();
  try {
    const read = index.read();
    starts.push(...targetsOf(read));
    for (const [name, { digest }] of namesOf(read)) names.set(digest, name);
    const broken = read.entries.length - targetsOf(read).length;
    if (broken > 0) {
      yield {
        kind: 'broken-index',
        what: `index.json has ${broken} entries that are not descriptors`,
        repaired: false,
      };
    }
  } catch (error) {
    if (!isDobosError(error)) throw error;
    yield { kind: 'broken-index', what: error.message, repaired: false };
  }
  const source = folderSource(folder);
  const { missing } = await markLive(starts, roots, source, o);
  for (const { blob, from } of missingByDamage(missing, source)) {
    const user =
      from === undefined ? (names.get(blob.digest) ?? 'a root') : (names.get(from.digest) ?? from.digest);
    yield { kind: 'missing', what: `${blob.mediaType} of ${user}`, digest: blob.digest, repaired: false };
  }
}

async function corruption(folder: string, blob: Descriptor, o: CallOptions): Promise<string | undefined> {
  try {
    for await (const _ of verify(readBlob(folder, blob, undefined, o), blob)) {
      await new Promise((resume) => setImmediate(resume));
    }
    return undefined;
  } catch (error) {
    if (isDobosError(error, 'STORE_NOT_FOUND')) return undefined;
    if (isDobosError(error, 'BYTES_MISMATCH')) return error.message;
    throw error;
  }
}

function remove(folder: string, path: string, o: CheckOptions): boolean {
  if (o.repair !== true) return false;
  try {
    removeFile(join(folder, path));
    return true;
  } catch (error) {
    throw writeFailure(error, folder, `removing ${path}`);
  }
}
