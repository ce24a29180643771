import type { ByteStream } from '../base/bytes.ts';
import type { CallOptions } from '../base/options.ts';
import type { LocalStore } from '../store/contract.ts';
import { openSavePlan } from './save-plan.ts';
import type { Image } from './types.ts';
import { savePlan, streamPlan } from './write-archive.ts';

export interface SaveSelection {
  readonly image: Image;
  /** Full name to save it under; the same image may come with several. */
  readonly name?: string | undefined;
}

export interface SaveOptions extends CallOptions {
  /** `plain`: layers uncompressed, as docker saves them; `stored`: as the store has them, which keeps the manifest's digest. `plain` when absent. */
  readonly layers?: 'plain' | 'stored' | undefined;
}

/** The archive of these images as a stream in chunks of up to 1 MiB, verified while read: every reader of docker's and OCI's archives takes it (oci.md a.13). @throws IMAGE_LAYER_ABSENT, BYTES_MISMATCH, and errors of the store */
export async function* saveImages(
  store: LocalStore,
  selections: readonly SaveSelection[],
  o: SaveOptions = {},
): ByteStream {
  const lease = await store.lease();
  try {
    yield* streamPlan(() => openSavePlan(store, selections, o), o);
  } finally {
    await lease.release();
  }
}

/**
 * The same archive as a file of mode 0600, there under its name only when it is whole. Layers are copied and verified in worker threads, several at once. What is no regular file (a pipe, /dev/stdout) is written to as it is.
 * @throws ARCHIVE_WRITE, and as `saveImages`
 */
export async function saveToFile(
  store: LocalStore,
  selections: readonly SaveSelection[],
  path: string,
  o: SaveOptions = {},
): Promise<void> {
  const lease = await store.lease();
  try {
    await savePlan(() => openSavePlan(store, selections, o), path, o);
  } finally {
    await lease.release();
  }
}
