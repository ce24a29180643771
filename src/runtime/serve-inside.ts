import { once } from 'node:events';
import { closeSync, constants, openSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { posix } from 'node:path';
import { isDobosError } from '../base/errors.ts';
import { fsPath } from '../base/names.ts';
import type { CallOptions } from '../base/options.ts';
import { resolveUser } from '../image/user.ts';
import { openLayer } from '../layer/open-layer.ts';
import { AT_FDCWD, closeFd, isErrno, O_DIRECTORY, O_PATH, openAt } from '../linux/at.ts';
import { rootfsError } from '../rootfs/errors.ts';
import { findInside, type Inside, type InsidePlace, mayChange } from '../rootfs/inside-path.ts';
import { packInside } from '../rootfs/pack-inside.ts';
import { unpackInside } from '../rootfs/unpack-inside.ts';
import { CHANNEL_FD, type InsideCall, type InsideOwner, type InsideTarget, ROOT_FD } from './inside-calls.ts';
import type { MountTools } from './run-mounts.ts';

/** Answers a call about files of a container. @throws ROOTFS_…, TAR_…, LINUX_CALL */
export async function answerInside(
  tools: Pick<MountTools, 'snapshotter' | 'store'>,
  call: InsideCall,
  o: CallOptions,
): Promise<unknown> {
  return withInside(tools, call.target, call.method === 'unpackInside', o, async (inside) => {
    switch (call.method) {
      case 'lookInside': {
        const place = findOrNone(inside, call.path, call.follow);
        try {
          return place?.facts && { kind: place.facts.kind, path: place.path };
        } finally {
          place?.close();
        }
      }
      case 'packInside': {
        const place = findInside(inside, call.path, { follow: call.follow });
        try {
          await pour(packInside(inside, place, { top: call.top }), o);
        } finally {
          place.close();
        }
        return undefined;
      }
      case 'unpackInside':
        return unpackAt(inside, call.path, call.owner, o);
    }
  });
}

async function withInside<T>(
  { snapshotter, store }: Pick<MountTools, 'snapshotter' | 'store'>,
  target: InsideTarget,
  writes: boolean,
  o: CallOptions,
  use: (inside: Inside) => Promise<T>,
): Promise<T> {
  if (target.kind === 'running') return use({ root: ROOT_FD });
  const layers = target.root.layers.map(({ blob, diffId }) => openLayer(store, blob, diffId));
  const over = async (folder: string): Promise<T> => {
    const root = openAt(AT_FDCWD, folder, O_PATH | O_DIRECTORY);
    const shown = new Map<string, number>();
    const readOnly = new Set<string>(target.readOnly ? [''] : []);
    try {
      for (const mount of target.shown) {
        const at = show({ root, shown }, shown, mount.source, mount.target);
        if (at !== undefined && mount.readOnly) readOnly.add(at);
      }
      return await use({ root, shown, readOnly });
    } finally {
      for (const fd of [root, ...shown.values()]) closeFd(fd);
    }
  };
  if (!writes) {
    const look = await snapshotter.look(layers, { folder: target.root.folder, running: false }, o);
    try {
      return await look.merged(over);
    } finally {
      look.close();
    }
  }
  const root = await snapshotter.prepare(layers, { signal: o.signal, place: target.place });
  try {
    const result = await over(root.mount());
    root.unmount();
    return result;
  } finally {
    await root.dispose();
  }
}

/** What is mounted there when the container runs, and where that is; what has gone from the host is passed over. */
function show(inside: Inside, shown: Map<string, number>, source: string, path: string): string | undefined {
  const place = findOrNone(inside, path, true);
  place?.close();
  // Where folders on its way are missing they are made when the container runs.
  const at = place?.path ?? posix.resolve('/', path).slice(1);
  if (shown.has(at)) return undefined;
  try {
    shown.set(at, openAt(AT_FDCWD, source, O_PATH));
    return at;
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENOTDIR', 'EACCES')) throw error;
    return undefined;
  }
}

function findOrNone(inside: Inside, path: string, follow: boolean): InsidePlace | undefined {
  try {
    return findInside(inside, path, { follow });
  } catch (error) {
    if (isDobosError(error, 'ROOTFS_NO_PATH')) return undefined;
    throw error;
  }
}

const openChannel = (): Socket =>
  new Socket({ fd: CHANNEL_FD, readable: true, writable: true, allowHalfOpen: true });

async function pour(parts: Iterable<Buffer>, o: CallOptions): Promise<void> {
  const channel = openChannel();
  const broken = once(channel, 'close');
  channel.on('error', () => {});
  for (const part of parts) {
    o.signal?.throwIfAborted();
    if (channel.destroyed) return;
    if (!channel.write(part)) await Promise.race([once(channel, 'drain'), broken]);
  }
  await new Promise<void>((resolve) => channel.end(resolve));
}

async function unpackAt(inside: Inside, path: string, owner: InsideOwner, o: CallOptions): Promise<number> {
  const place = findInside(inside, path, { follow: true });
  const channel = openChannel();
  channel.on('error', () => {});
  try {
    if (place.fd === undefined || place.facts?.kind !== 'directory') {
      throw rootfsError('ROOTFS_NO_PATH', { path, at: place.path });
    }
    if (!mayChange(inside, place.path)) throw rootfsError('ROOTFS_READ_ONLY', { path });
    const below = place.path === '' ? '' : `${place.path}/`;
    const unpacker = unpackInside(place.fd, {
      owner: ownerOf(inside, owner),
      devices: true,
      setIds: true,
      shownAt: (name) => {
        const fd = inside.shown?.get(`${below}${name}`);
        return fd === undefined ? undefined : { fd, mayChange: mayChange(inside, `${below}${name}`) };
      },
    });
    try {
      for await (const part of channel as AsyncIterable<Buffer>) {
        o.signal?.throwIfAborted();
        unpacker.write(part);
      }
      unpacker.end();
    } finally {
      unpacker.close();
    }
    return unpacker.bytes();
  } finally {
    channel.destroy();
    place.close();
  }
}

const MAX_USER_FILE_BYTES = 10 * 1024 * 1024;

/** A small file of the container, undefined if there is none. */
function readInside(inside: Inside, path: string): string | undefined {
  const place = findOrNone(inside, path, true);
  try {
    if (place?.fd === undefined || place.facts?.kind !== 'file') return undefined;
    if (place.facts.size > MAX_USER_FILE_BYTES) return undefined;
    const fd = openSync(fsPath(`/proc/self/fd/${place.fd}`), constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      return readFileSync(fd, 'utf8');
    } finally {
      closeSync(fd);
    }
  } finally {
    place?.close();
  }
}

function ownerOf(
  inside: Inside,
  owner: InsideOwner,
): 'archive' | { readonly uid: number; readonly gid: number } {
  if (owner === 'archive') return owner;
  const { uid, gid } = resolveUser(
    owner.user,
    readInside(inside, '/etc/passwd'),
    readInside(inside, '/etc/group'),
  );
  return { uid, gid };
}
