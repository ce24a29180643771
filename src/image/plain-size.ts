import { isDobosError } from '../base/errors.ts';
import { loadLayerIndex } from '../layer/load-layer-index.ts';
import type { Layer } from '../layer/types.ts';
import { isDigest } from '../oci/digest.ts';
import type { Digest } from '../oci/types.ts';
import type { LocalStore } from '../store/contract.ts';

/** Kind of the notes that say what a compressed blob was found to unpack to; key: the blob's digest. */
const UNPACKED = 'unpacked';

export interface Unpacked {
  readonly diffId: Digest;
  /** Bytes of the tar. */
  readonly size: number;
}

/** Remembers what a blob unpacks to, so that it need not be unpacked again to know. A store that cannot be written loses time only. */
export async function keepUnpacked(store: LocalStore, blob: Digest, unpacked: Unpacked): Promise<void> {
  try {
    await store.notes.put(UNPACKED, blob, Buffer.from(JSON.stringify(unpacked)));
  } catch (error) {
    if (!isDobosError(error) || !error.code.startsWith('STORE_')) throw error;
  }
}

/** What the blob was found to unpack to, if it ever was. */
export async function findUnpacked(store: LocalStore, blob: Digest): Promise<Unpacked | undefined> {
  const bytes = await store.notes.get(UNPACKED, blob);
  if (bytes === undefined) return undefined;
  try {
    const { diffId, size } = JSON.parse(bytes.toString('utf8')) as { diffId?: unknown; size?: unknown };
    return isDigest(diffId) && Number.isSafeInteger(size) && (size as number) >= 0
      ? { diffId, size: size as number }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Bytes of the layer's tar as far as the store knows them: from its index or an earlier unpacking. A hint: who relies on it checks it. */
export async function plainSize(store: LocalStore, { blob, diffId }: Layer): Promise<number | undefined> {
  const found = await findUnpacked(store, blob.digest);
  if (found?.diffId === diffId) return found.size;
  const index = await store.notes.get('index', diffId);
  if (index === undefined) return undefined;
  try {
    return loadLayerIndex(index).tarSize;
  } catch (error) {
    if (isDobosError(error)) return undefined;
    throw error;
  }
}
