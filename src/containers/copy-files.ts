import { statSync } from 'node:fs';
import type { ByteStream } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { AT_FDCWD, closeFd, isErrno, O_DIRECTORY, O_PATH, openAt } from '../linux/at.ts';
import { findInside, type Inside, type InsidePlace } from '../rootfs/inside-path.ts';
import { packInside } from '../rootfs/pack-inside.ts';
import { unpackInside } from '../rootfs/unpack-inside.ts';
import type { InsideKeeper } from '../runtime/inside-keeper.ts';
import type { KeeperOptions } from '../runtime/types.ts';
import { awaitProcess } from './await-process.ts';
import type { ContainerRecords } from './container-records.ts';
import { type CopyEnd, plainPath, planCopy } from './copy-plan.ts';
import { containerError } from './errors.ts';
import { whileIdle } from './hold-container.ts';
import { rootOfContainer } from './run-container.ts';
import type { Container } from './types.ts';

export interface CopyTools {
  readonly records: ContainerRecords;
  readonly keeper: KeeperOptions;
  readonly isRoot: boolean;
}

export interface CopyOptions extends CallOptions {
  /** In: the container's user gets the files. Out: ids are kept, as far as this user may. */
  readonly archive: boolean;
  /** The file that a link at the end of the source leads to is copied, not the link. */
  readonly follow: boolean;
  readonly onLeftOut?: ((name: string) => void) | undefined;
}

/** A tar of a path of the container, as it comes. @throws CONTAINER_NO_PATH, CONTAINER_COPY, ROOTFS_… */
export async function* readFromContainer(
  tools: CopyTools,
  container: Container,
  path: string,
  o: CopyOptions,
): ByteStream {
  const inside = await openContainer(tools, container, o);
  try {
    const source = await sourceInside(inside, container, path, o);
    const { top } = planCopy(source, { path: '/', kind: 'directory' });
    yield* inside.pack(source.path, { follow: followed(source.path, o), top });
  } finally {
    await inside.close();
  }
}

/** Copies a path of the container to an absolute one of this machine; bytes of files. @throws CONTAINER_NO_PATH, CONTAINER_COPY, ROOTFS_… */
export async function copyOut(
  tools: CopyTools,
  container: Container,
  path: string,
  local: string,
  o: CopyOptions,
): Promise<number> {
  const inside = await openContainer(tools, container, o);
  try {
    const source = await sourceInside(inside, container, path, o);
    return await atLocal(local, async (place) => {
      const { folder, top } = planCopy(source, endOf(local, place));
      return atLocal(folder, async (target) => {
        if (target?.fd === undefined || target.facts?.kind !== 'directory') {
          throw containerError('CONTAINER_COPY', {
            problem: `invalid output path: directory "${folder}" does not exist`,
          });
        }
        const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
        const unpacker = unpackInside(target.fd, {
          owner: o.archive && tools.isRoot ? 'archive' : own,
          // A device file is a way into this machine, whoever made it in the container.
          devices: false,
          setIds: o.archive,
          onLeftOut: o.onLeftOut,
        });
        try {
          for await (const part of inside.pack(source.path, { follow: followed(source.path, o), top }))
            unpacker.write(part);
          unpacker.end();
          return unpacker.bytes();
        } finally {
          unpacker.close();
        }
      });
    });
  } finally {
    await inside.close();
  }
}

/** Copies an absolute path of this machine, or a tar, into the container; bytes of files. @throws CONTAINER_NO_PATH, CONTAINER_COPY, CONTAINER_HELD, ROOTFS_… */
export async function copyIn(
  tools: CopyTools,
  container: Container,
  from: string | { readonly tar: ByteStream },
  path: string,
  o: CopyOptions,
): Promise<number> {
  const write = async (now: Container): Promise<number> => {
    const inside = await openContainer(tools, now, o);
    try {
      const found = await inside.look(path, true);
      const kind = found === undefined ? 'missing' : found.kind === 'directory' ? 'directory' : 'other';
      const owner = o.archive ? ({ user: now.process.user } as const) : 'archive';
      if (typeof from !== 'string') {
        if (kind === 'directory') return await inside.unpack(path, from.tar, owner);
        const problem = `destination "${now.name}:${path}" must be a directory`;
        throw kind === 'missing' ? noPath(now, path) : containerError('CONTAINER_COPY', { problem });
      }
      if (kind === 'other' && found?.kind !== 'file') {
        const problem = `destination "${now.name}:${path}" must be a directory or a regular file`;
        throw containerError('CONTAINER_COPY', { problem });
      }
      return await atLocal(
        from,
        async (place) => {
          if (place?.facts === undefined)
            throw containerError('CONTAINER_COPY', { problem: `${from}: no such file or directory` });
          const { folder, top } = planCopy(endOf(from, place), { path, kind });
          if ((await inside.look(folder, true))?.kind !== 'directory') throw noPath(now, folder);
          return inside.unpack(folder, pack(place, top, tools.isRoot), owner);
        },
        followed(from, o),
      );
    } finally {
      await inside.close();
    }
  };
  for (;;) {
    if (container.state.kind !== 'running' && container.autoRemove) {
      const problem = `container ${container.name} was made with --rm: it has no files of its own before it runs`;
      throw containerError('CONTAINER_COPY', { problem });
    }
    const done = await whileIdle(tools.records, container, write);
    if (done !== undefined) return done;
    const now = tools.records.get(container.id);
    if (now === undefined) throw containerError('CONTAINER_GONE', { name: container.name });
    if (now.state.kind === 'running') return write(now);
  }
}

/** Nothing is shown over places of this machine. */
async function* pack(place: InsidePlace, top: string, isRoot: boolean): ByteStream {
  const asRoot = isRoot ? undefined : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  yield* packInside({ root: place.folder }, place, { top, asRoot });
}

const noPath = ({ name }: Container, path: string): Error =>
  containerError('CONTAINER_NO_PATH', { name, path });

async function sourceInside(
  inside: InsideKeeper,
  container: Container,
  path: string,
  o: CopyOptions,
): Promise<CopyEnd> {
  const found = await inside.look(path, followed(path, o));
  if (found === undefined) throw noPath(container, path);
  return { path, kind: found.kind === 'directory' ? 'directory' : 'other' };
}

/** A slash at its end means what a link leads to. */
const followed = (path: string, o: CopyOptions): boolean => o.follow || /\/\.?$/.test(path);

const endOf = (path: string, place: InsidePlace | undefined): CopyEnd => ({
  path,
  kind: place?.facts === undefined ? 'missing' : place.facts.kind === 'directory' ? 'directory' : 'other',
});

/** Calls `use` with where an absolute path of this machine leads; undefined where a folder on its way is missing. */
async function atLocal<T>(
  path: string,
  use: (place: InsidePlace | undefined) => Promise<T>,
  follow = true,
): Promise<T> {
  const here: Inside = { root: openAt(AT_FDCWD, '/', O_PATH | O_DIRECTORY) };
  let place: InsidePlace | undefined;
  try {
    try {
      place = findInside(here, plainPath(path), { follow });
    } catch (error) {
      if (!isDobosError(error, 'ROOTFS_NO_PATH')) throw error;
    }
    return await use(place);
  } finally {
    place?.close();
    closeFd(here.root);
  }
}

/** @throws CONTAINER_ELSEWHERE, CONTAINER_GONE, CONTAINER_UNREACHABLE, CONTAINER_TOP_NONE, and as `openInsideKeeper` */
async function openContainer(tools: CopyTools, container: Container, o: CallOptions): Promise<InsideKeeper> {
  const { openInsideKeeper } = await import('../runtime/inside-keeper.ts');
  const { records, keeper } = tools;
  for (;;) {
    const now = records.get(container.id);
    if (now === undefined) throw containerError('CONTAINER_GONE', { name: container.name });
    if (now.state.kind !== 'running') {
      const shown = now.process.binds.map(({ source, target, readOnly }) => ({ source, target, readOnly }));
      const readOnly = now.process.confinement?.readOnlyRoot === true;
      const place = { folder: records.folderOf(now.id), keep: true };
      const root = rootOfContainer(records, now);
      return openInsideKeeper(
        keeper,
        { target: { kind: 'idle', root, place, shown, readOnly }, root: undefined },
        o,
      );
    }
    const first = await awaitProcess(records, now, o).catch((error: unknown) => {
      // It has ended in between: the next look tells.
      if (isDobosError(error, 'CONTAINER_NOT_RUNNING')) return 'ended' as const;
      throw error;
    });
    if (first === undefined) throw containerError('CONTAINER_TOP_NONE', { name: now.name });
    const root = typeof first === 'number' ? openRoot(first) : undefined;
    if (root !== undefined) {
      try {
        return await openInsideKeeper(keeper, { target: { kind: 'running' }, root }, o);
      } finally {
        closeFd(root);
      }
    }
    // It is on its way, or has just ended.
    await new Promise((resume) => setTimeout(resume, LOOK_EVERY_MS));
    o.signal?.throwIfAborted();
  }
}

/** Between two looks at a container, in milliseconds. */
const LOOK_EVERY_MS = 25;

/** The root that a process sees; undefined while that is still this machine's, or when it has ended. */
function openRoot(pid: number): number | undefined {
  let fd: number;
  try {
    fd = openAt(AT_FDCWD, `/proc/${pid}/root`, O_PATH | O_DIRECTORY);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH')) return undefined;
    throw error;
  }
  const theirs = statSync(`/proc/self/fd/${fd}/.`);
  const ours = statSync('/');
  if (theirs.dev !== ours.dev || theirs.ino !== ours.ino) return fd;
  closeFd(fd);
  return undefined;
}
