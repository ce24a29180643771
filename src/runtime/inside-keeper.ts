import type { Duplex } from 'node:stream';
import type { ByteStream } from '../base/bytes.ts';
import { reviveError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { runtimeError } from './errors.ts';
import type { InsideCall, InsideLook, InsideOwner, InsideResults, InsideTarget } from './inside-calls.ts';
import type { FromKeeper } from './keeper-messages.ts';
import { launchKeeper } from './launch-keeper.ts';
import type { KeeperOptions } from './types.ts';

/** A keeper that looks at, reads and writes files of one container. Of the calls that move files one may be made, the last. */
export interface InsideKeeper {
  /** Undefined if nothing is there. */
  look(path: string, follow: boolean): Promise<InsideLook | undefined>;
  /** A tar of what is at the path, which is called `top` in it. */
  pack(path: string, o: { readonly follow: boolean; readonly top: string }): ByteStream;
  /** Unpacks a tar into the directory at the path; bytes of files. */
  unpack(path: string, tar: ByteStream, owner: InsideOwner): Promise<number>;
  close(): Promise<void>;
}

/** @throws as `launchKeeper` */
export async function openInsideKeeper(
  options: KeeperOptions,
  /** `root`: a descriptor of the root of the container that runs. */
  of: { readonly target: InsideTarget; readonly root: number | undefined },
  o: CallOptions = {},
): Promise<InsideKeeper> {
  let settle: { resolve(value: unknown): void; reject(error: unknown): void } | undefined;
  const receive = (message: FromKeeper): void => {
    if (message.kind === 'done') settle?.resolve(message.result);
    else if (message.kind === 'failed') settle?.reject(reviveError(message.error));
  };
  const gone = (message: string): void => settle?.reject(runtimeError('RUNTIME_KEEPER_GONE', { message }));
  const keeper = await launchKeeper(options, receive, gone, { extras: { root: of.root } });
  const channel = keeper.channel as Duplex;
  channel.on('error', () => {});
  let id = 0;
  const call = async <M extends InsideCall['method']>(
    request: Extract<InsideCall, { method: M }>,
  ): Promise<InsideResults[M]> => {
    o.signal?.throwIfAborted();
    const mine = ++id;
    const cancel = (): void => keeper.send({ kind: 'cancel', id: mine });
    o.signal?.addEventListener('abort', cancel, { once: true });
    keeper.hold();
    try {
      return await new Promise<InsideResults[M]>((resolve, reject) => {
        settle = { resolve: resolve as (value: unknown) => void, reject };
        keeper.send({ kind: 'call', id: mine, call: request });
      });
    } finally {
      o.signal?.removeEventListener('abort', cancel);
      settle = undefined;
      keeper.release();
    }
  };
  const { target } = of;
  return {
    look: (path, follow) => call({ method: 'lookInside', target, path, follow }),
    async *pack(path, { follow, top }) {
      const packed = call({ method: 'packInside', target, path, follow, top });
      // One that fails sends no end.
      packed.catch((error: unknown) => channel.destroy(error instanceof Error ? error : undefined));
      yield* channel as AsyncIterable<Buffer>;
      await packed;
    },
    async unpack(path, tar, owner) {
      const unpacked = call({ method: 'unpackInside', target, path, owner });
      // Then nobody reads any more.
      unpacked.catch(() => channel.destroy());
      const feed = async (): Promise<void> => {
        for await (const part of tar) {
          if (channel.destroyed) return;
          if (!channel.write(part)) await drained(channel);
        }
        channel.end();
      };
      const [bytes] = await Promise.all([unpacked, feed()]);
      return bytes;
    },
    async close() {
      channel.destroy();
      await keeper.close();
    },
  };
}

const drained = (channel: Duplex): Promise<void> =>
  new Promise((resolve) => {
    const go = (): void => {
      channel.off('drain', go).off('close', go);
      resolve();
    };
    channel.on('drain', go).on('close', go);
  });
