import { chmodSync, chownSync, mkdirSync, statfsSync, writeFileSync } from 'node:fs';
import { posix } from 'node:path';
import { never } from '../base/errors.ts';
import { fsPath } from '../base/names.ts';
import type { WatchOptions } from '../base/options.ts';
import { openLayer } from '../layer/open-layer.ts';
import { MNT_DETACH, mountTmpfs, unmount } from '../linux/mount.ts';
import type { CacheMounts } from '../rootfs/cache-mounts.ts';
import { removeTree } from '../rootfs/remove-tree.ts';
import type { Rootfs, Snapshotter } from '../rootfs/types.ts';
import { unshareFiles } from '../rootfs/unshare-files.ts';
import type { LocalStore } from '../store/contract.ts';
import { listenForAgent } from './agent-socket.ts';
import { runtimeError } from './errors.ts';
import { readOwnNamespace } from './own-namespace.ts';
import { kindInRoot, resolveInRoot } from './root-path.ts';
import type { BindMount, MountSource, Output, RunMount } from './types.ts';

export interface MountTools {
  /** False where there is no mount namespace: then all is made ready beside the root, to be moved into it. */
  readonly canMount: boolean;
  readonly store: LocalStore;
  readonly snapshotter: Snapshotter;
  readonly caches: () => CacheMounts;
  /** Copies of files of the host that steps share, by digest; they go with this process. */
  readonly staged: Map<string, Promise<{ readonly path: string }>>;
}

/** The mounts of one run, each as a place of this namespace that is to be bound into the container. */
export interface PreparedMounts {
  readonly binds: readonly BindMount[];
  /** A folder in memory for what must not come onto a disk; undefined if nothing asked for it. */
  readonly privateFolder: string | undefined;
  /** Takes everything away again and gives caches free. */
  release(): Promise<void>;
}

/**
 * Makes ready what a run has mounted, in this process's mount namespace: snapshots of other images, copies of context files, caches (which may have to be waited for),
 * file systems in memory. Waiting is told as a line of output.
 * @throws RUNTIME_BIND_SOURCE, RUNTIME_UNMAPPED_ID, ROOTFS_…
 */
export async function prepareMounts(
  tools: MountTools,
  root: Pick<Rootfs, 'id' | 'folder'>,
  wanted: { readonly mounts: readonly RunMount[]; readonly hasSecrets: boolean },
  o: WatchOptions<Output>,
): Promise<PreparedMounts> {
  const undo: (() => void | Promise<void>)[] = [];
  const release = async (): Promise<void> => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  let made = 0;
  let privateFolder: string | undefined;

  const { canMount } = tools;
  const memory = (name: string, mode: number, size = ''): string => {
    const folder = `${root.folder}/${name}`;
    mkdirSync(fsPath(folder), { mode: 0o700 });
    if (canMount) {
      mountTmpfs(folder, `mode=${mode.toString(8)}${size}`);
      undo.push(() => unmount(folder, MNT_DETACH));
    } else {
      chmodSync(fsPath(folder), mode);
      undo.push(() => removeTree(folder));
    }
    return folder;
  };
  const inPrivate = (): string => {
    // The name is the container's id for runtimes, so it must differ between runs.
    privateFolder ??= memory(`private-${root.id}`, 0o700);
    return `${privateFolder}/m${made++}`;
  };
  const give = (path: string, owner: { mode: number; uid: number; gid: number }): void => {
    const own = readOwnNamespace();
    if (!own.hasUser(owner.uid)) throw runtimeError('RUNTIME_UNMAPPED_ID', { id: owner.uid });
    if (!own.hasGroup(owner.gid)) throw runtimeError('RUNTIME_UNMAPPED_ID', { id: owner.gid });
    chownSync(fsPath(path), owner.uid, owner.gid);
    chmodSync(fsPath(path), owner.mode);
  };

  const bindOf = async (mount: RunMount): Promise<BindMount> => {
    const { target } = mount;
    switch (mount.kind) {
      case 'bind': {
        const source = await openSource(mount.source, !mount.readOnly);
        return { source, target, readOnly: mount.readOnly, own: !mount.readOnly };
      }
      case 'cache': {
        const { readOnly } = mount;
        return { source: await openCache(mount), target, readOnly, own: !readOnly };
      }
      case 'tmpfs': {
        const { size, uid, gid, readOnly = false, without } = mount;
        const own = Object.entries({ size, uid, gid }).filter(([, value]) => value !== undefined);
        const options = own.map(([name, value]) => `,${name}=${value}`).join('');
        const source = memory(`memory-${made++}`, mount.mode ?? 0o1777, options);
        return { source, target, readOnly, own: true, without };
      }
      case 'file': {
        if (mount.secret === true && !canMount && !isInMemory(root.folder)) {
          throw runtimeError('RUNTIME_SECRET_DISK', { target });
        }
        const source = inPrivate();
        writeFileSync(source, mount.bytes, { mode: 0o600 });
        give(source, mount);
        const without = (mount.mode & 0o111) === 0 ? (['nosuid', 'noexec'] as const) : (['nosuid'] as const);
        return { source, target, readOnly: true, without, own: true };
      }
      case 'agent': {
        const source = inPrivate();
        const { close } = await listenForAgent(source, mount.socket);
        undo.push(close);
        give(source, mount);
        return { source, target, readOnly: true, without: ['nosuid', 'noexec'], own: true };
      }
      default:
        return never(mount);
    }
  };

  /** A place with the files; `own` when it will be written to. */
  const openSource = async (source: MountSource, own: boolean): Promise<string> => {
    if (source.kind === 'files') {
      const { snapshotter, staged } = tools;
      if (own) {
        const copy = await snapshotter.stage(source.files, { signal: o.signal });
        undo.push(() => copy.release());
        return copy.path;
      }
      const known = staged.get(source.digest);
      // One that failed for another run, perhaps because that was given up, says nothing about this one.
      const copy = (await known?.catch(() => undefined)) ?? undefined;
      if (copy !== undefined) return copy.path;
      const fresh = snapshotter.stage(source.files, { signal: o.signal });
      staged.set(source.digest, fresh);
      return (await fresh).path;
    }
    const layers = source.layers.map(({ blob, diffId }) => openLayer(tools.store, blob, diffId));
    const below = await tools.snapshotter.prepare(layers, { signal: o.signal });
    undo.push(() => below.dispose());
    const merged = below.mount();
    undo.push(() => below.unmount());
    const place = resolveInRoot(merged, posix.normalize(source.path));
    const kind = kindInRoot(place);
    if (kind === 'missing' || kind === 'other') {
      const code = kind === 'missing' ? 'ENOENT' : 'it is neither a file nor a folder';
      throw runtimeError('RUNTIME_BIND_SOURCE', { source: source.path, code });
    }
    return place.host;
  };

  const openCache = async (mount: RunMount & { readonly kind: 'cache' }): Promise<string> => {
    const { id, sharing, mode, uid, gid } = mount;
    const own = readOwnNamespace();
    if (!own.hasUser(uid ?? 0)) throw runtimeError('RUNTIME_UNMAPPED_ID', { id: uid ?? 0 });
    if (!own.hasGroup(gid ?? 0)) throw runtimeError('RUNTIME_UNMAPPED_ID', { id: gid ?? 0 });
    const seed = mount.seed;
    const fill = async (folder: string): Promise<void> => {
      if (seed === undefined) return;
      const from = await openSource(seed, false);
      await tools.snapshotter.copyFolder(from, folder, { signal: o.signal });
    };
    const cache = await tools.caches().open(
      // Only one run at a time can have it in its root.
      {
        id,
        sharing: canMount || sharing !== 'shared' ? sharing : 'locked',
        mode,
        uid,
        gid,
        seed: seed && { name: nameOf(seed), fill },
      },
      {
        signal: o.signal,
        onWait: () => {
          const line = `waiting for the cache mount ${JSON.stringify(id)}, which another step uses\n`;
          o.onEvent?.({ stream: 'stderr', bytes: Buffer.from(line) });
        },
      },
    );
    undo.push(() => {
      try {
        if (!canMount && !mount.readOnly) unshareFiles(cache.folder);
      } finally {
        cache.release();
      }
    });
    return cache.folder;
  };

  try {
    const binds: BindMount[] = [];
    // Without mounts nothing of a run's task is written down.
    if (wanted.hasSecrets && canMount) inPrivate();
    const isCache = (mount: RunMount): boolean => mount.kind === 'cache';
    for (const mount of wanted.mounts) if (!isCache(mount)) binds.push(await bindOf(mount));
    // Caches last, as others may wait for them, and by id: steps that want the same two never wait for each other.
    const caches = wanted.mounts.filter((mount) => mount.kind === 'cache');
    const opened = new Map<string, BindMount>();
    for (const mount of caches.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))) {
      const known = opened.get(identityOf(mount));
      if (known !== undefined && !canMount) {
        const what = `the cache ${JSON.stringify(mount.id)} at two places`;
        throw runtimeError('RUNTIME_UNISOLATED', { what, why: 'nothing can be mounted' });
      }
      const bind =
        known === undefined
          ? await bindOf(mount)
          : { source: known.source, target: mount.target, readOnly: mount.readOnly };
      opened.set(identityOf(mount), bind);
      binds.push(bind);
    }
    return { binds, privateFolder, release };
  } catch (error) {
    await release();
    throw error;
  }
}

/** Two mounts of one run that mean the same cache share it, whatever their sharing says. */
function identityOf({ id, mode, uid, gid, seed }: RunMount & { readonly kind: 'cache' }): string {
  return JSON.stringify([id, mode, uid, gid, seed && nameOf(seed)]);
}

function nameOf(source: MountSource): string {
  if (source.kind === 'files') return source.digest;
  return JSON.stringify([source.layers.map(({ diffId }) => diffId), source.path]);
}

/** statfs(2): file systems that never come onto a disk but by swapping, as any memory may. */
const MEMORY_FILE_SYSTEMS = [0x01021994, 0x858458f6];

function isInMemory(folder: string): boolean {
  return MEMORY_FILE_SYSTEMS.includes(statfsSync(fsPath(folder)).type);
}
