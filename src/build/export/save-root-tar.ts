import { closeSync, openSync } from 'node:fs';
import { type ByteStream, readRegion } from '../../base/bytes.ts';
import { fsPath } from '../../base/names.ts';
import type { CallOptions } from '../../base/options.ts';
import { saveFile } from '../../image/write-archive.ts';
import type { PlannedEntry } from '../../layer/types.ts';
import { packTar } from '../../layer/write-layer.ts';
import type { LocalStore } from '../../store/contract.ts';

/** Writes the files as a tar, there under its name only when it is whole; owners and extended attributes are kept. @throws ARCHIVE_WRITE, LAYER_ errors */
export async function saveRootTar(
  store: LocalStore,
  path: string,
  entries: readonly PlannedEntry[],
  o: CallOptions = {},
): Promise<void> {
  await saveFile(path, {
    whole: async (temp) => {
      closeSync(openSync(fsPath(temp), 'wx', 0o600));
      await packTar(temp, entries, o);
    },
    stream: () => streamRootTar(store, entries, o),
  });
}

/** The same tar as a stream; it goes through a temporary file of the store's. */
export async function* streamRootTar(
  store: LocalStore,
  entries: readonly PlannedEntry[],
  o: CallOptions = {},
): ByteStream {
  const staged = await store.stage();
  try {
    const { size } = await packTar(staged.path, entries, o);
    yield* readRegion({ path: staged.path, offset: 0, size }, o);
  } finally {
    await staged.abort();
  }
}
