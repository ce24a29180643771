import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { ByteStream } from '../base/bytes.ts';
import type { CallOptions } from '../base/options.ts';
import { mknod, S_IFIFO } from '../linux/nodes.ts';
import type { Keeper } from '../runtime/types.ts';
import { makeTempFolder } from '../store/temp-folder.ts';
import type { ContainerRecords } from './container-records.ts';
import { rootOfContainer } from './run-container.ts';
import type { Container } from './types.ts';

/** All files of the container as a tar, as they come; what was mounted into it is left out. Nothing is written to disk: the keeper packs into a pipe. */
export async function* exportContainer(
  tools: {
    readonly storeFolder: string;
    readonly records: ContainerRecords;
    readonly keeper: () => Promise<Keeper>;
  },
  container: Container,
  o: CallOptions = {},
): ByteStream {
  const keeper = await tools.keeper();
  const temp = makeTempFolder(tools.storeFolder);
  const path = join(temp.path, 'tar');
  const stop = new AbortController();
  const signal = o.signal === undefined ? stop.signal : AbortSignal.any([o.signal, stop.signal]);
  try {
    mknod(path, S_IFIFO | 0o600);
    const reader = new Socket({
      fd: openSync(path, constants.O_RDONLY | constants.O_NONBLOCK),
      readable: true,
      writable: false,
    });
    // Until the keeper has packed all, so that the end comes then and not before it has begun.
    const holder = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    const packed = keeper
      .packRoot(rootOfContainer(tools.records, container), path, { signal })
      .finally(() => closeSync(holder));
    packed.catch(() => {});
    try {
      yield* reader as AsyncIterable<Buffer>;
      await packed;
    } finally {
      reader.destroy();
      stop.abort();
      await packed.catch(() => {});
    }
  } finally {
    temp.remove();
  }
}
