import type { CallOptions } from '../base/options.ts';
import { openLayer } from '../layer/open-layer.ts';
import type { Layer } from '../layer/types.ts';
import { folderBytes } from '../rootfs/folder-bytes.ts';
import { removeTree } from '../rootfs/remove-tree.ts';
import type { Rootfs, RootLook } from '../rootfs/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { ExecutorChoice } from './choose-executor.ts';
import type { KeeperCall } from './keeper-messages.ts';
import type { Networks } from './network/networks.ts';
import { type MountTools, prepareMounts } from './run-mounts.ts';
import { execIn, type RunningContainers, signalIn } from './serve-container.ts';
import type {
  ContainerIo,
  ContainerRoot,
  ExecutorFacts,
  ExecutorUse,
  ExecutorWatch,
  LayerRef,
  Process,
  RunOutcome,
  RunRequest,
  RunWatch,
} from './types.ts';

/** What the keeper works with, inside its namespaces. */
export interface KeeperTools extends MountTools {
  /** Chosen at the first use, once for each. */
  readonly executor: (use: ExecutorUse) => Promise<ExecutorChoice>;
  /** Opened at the first use. */
  readonly networks: () => Promise<Networks>;
  readonly containers: RunningContainers;
}

/** Answers one call; what a run mounts is unmounted and what it wrote is removed or committed when this returns or throws. */
export async function answerCall(tools: KeeperTools, call: KeeperCall, o: RunWatch): Promise<unknown> {
  switch (call.method) {
    case 'executor':
      return executorFacts(tools, call.use);
    case 'run':
      return runOver(tools, call.request, o);
    case 'exec':
      return execIn(tools.containers, call.folder, call.process, o);
    case 'signalContainer':
      signalIn(tools.containers, call.folder, call.signal, call.to);
      return undefined;
    case 'unpack':
      await tools.snapshotter.unpack(openLayers(tools.store, call.layers), { signal: o.signal });
      return undefined;
    case 'collectSnapshots':
      return tools.snapshotter.collect(new Set(call.keep), { signal: o.signal });
    case 'listSnapshots':
      return tools.snapshotter.list();
    case 'listCacheMounts':
      return tools.caches().list();
    case 'removeCacheMounts':
      return tools.caches().remove(call.choice);
    case 'rootChanges':
      return lookAt(tools, call.root, o, async (look) => look.changes());
    case 'commitRoot':
      return lookAt(tools, call.root, o, async (look) => {
        const layer = await look.commit({ epoch: call.epoch, signal: o.signal });
        return layer && { blob: layer.blob, diffId: layer.diffId };
      });
    case 'packRoot':
      return lookAt(tools, call.root, o, (look) => look.pack(call.path, { signal: o.signal }));
    case 'rootBytes': {
      const bytes: number[] = [];
      for (const root of call.roots) bytes.push(await lookAt(tools, root, o, async (look) => look.bytes()));
      return bytes;
    }
    case 'discardRoot':
      tools.snapshotter.discard(call.folder);
      return undefined;
    case 'openNetwork':
      return (await tools.networks()).open(call.plan);
    case 'closeNetwork':
      (await tools.networks()).close(call.id);
      return undefined;
    case 'writeBundle':
      await (await import('./write-bundle.ts')).writeBundle(tools, call.request, { signal: o.signal });
      return undefined;
    case 'removeFolder':
      removeTree(call.folder);
      return undefined;
    case 'folderBytes':
      return call.folders.map(folderBytes);
    case 'lookInside':
    case 'packInside':
    case 'unpackInside':
      return (await import('./serve-inside.ts')).answerInside(tools, call, o);
  }
}

/** What the client is told of the executor, which is chosen if it is not yet. */
export async function executorFacts(
  tools: Pick<KeeperTools, 'executor'>,
  use: ExecutorUse,
): Promise<ExecutorFacts> {
  const { executor, detail, warning } = await tools.executor(use);
  return { name: executor.name, detail, warning };
}

/** What a process is run with, if that may be chosen. */
const useOf = ({ resources, tty }: Pick<Process, 'resources' | 'tty'>): ExecutorUse =>
  resources === undefined && !tty ? 'plain' : 'full';

async function lookAt<T>(
  { snapshotter, store }: KeeperTools,
  { layers, folder, running }: ContainerRoot,
  { signal }: CallOptions,
  use: (look: RootLook) => Promise<T>,
): Promise<T> {
  const look = await snapshotter.look(openLayers(store, layers), { folder, running }, { signal });
  try {
    return await use(look);
  } finally {
    look.close();
  }
}

function openLayers(store: LocalStore, refs: readonly LayerRef[]): Layer[] {
  return refs.map(({ blob, diffId }) => openLayer(store, blob, diffId));
}

async function runOver(tools: KeeperTools, request: RunRequest, o: RunWatch): Promise<RunOutcome> {
  const choice = await tools.executor(useOf(request.process));
  const root = await tools.snapshotter.prepare(openLayers(tools.store, request.layers), {
    signal: o.signal,
    place: request.place,
  });
  try {
    const exit = await runMounted(tools, choice, root, request, o);
    const { code, signal, refused, mountPoints } = exit;
    const commit = async (): Promise<LayerRef> => {
      const { blob, diffId } = await root.commit({ signal: o.signal, epoch: request.epoch, mountPoints });
      return { blob, diffId };
    };
    if (code !== 0) {
      // What went wrong is told by the exit code, whatever happens to its remains.
      const left = request.commitFailed === true ? await commit().catch(() => undefined) : undefined;
      o.signal?.throwIfAborted();
      return { exit: { code, signal, refused }, layer: left };
    }
    return request.commit ? { exit: { code }, layer: await commit() } : { exit: { code } };
  } finally {
    await root.dispose();
  }
}

function ioOf({ io, interactive, process, size }: RunRequest): ContainerIo {
  const own = io === 'inherit' ? 'inherit' : 'fed';
  const output = process.tty && io === 'events' ? 'terminal' : io;
  return { stdin: interactive === true ? own : 'null', output, size };
}

async function runMounted(
  tools: KeeperTools,
  choice: ExecutorChoice,
  root: Rootfs,
  request: RunRequest,
  o: RunWatch,
) {
  const { secretEnv = [] } = request;
  const memory = (request.process.memory ?? []).map((mount) => ({ ...mount, kind: 'tmpfs' as const }));
  const mounts = [...(request.mounts ?? []), ...memory];
  const hasSecrets = secretEnv.length > 0;
  const prepared =
    mounts.length === 0 && !hasSecrets
      ? undefined
      : await prepareMounts(tools, root, { mounts, hasSecrets }, o);
  try {
    const merged = root.mount();
    if (tools.canMount && request.process.binds.some(({ volume }) => volume !== undefined)) {
      await (await import('./fill-volumes.ts')).fillVolumes(
        tools.snapshotter,
        merged,
        request.process.binds,
        o,
      );
    }
    const io = ioOf(request);
    const { process: wanted, place } = request;
    const watch: ExecutorWatch =
      place === undefined
        ? o
        : { ...o, onContainer: (container) => void tools.containers.set(place.folder, container) };
    const onMountPoints = request.place === undefined ? undefined : root.noteMountPoints;
    if (prepared === undefined) {
      return await choice.executor.run({ folder: root.folder, merged, onMountPoints }, wanted, io, watch);
    }
    const { privateFolder } = prepared;
    return await choice.executor.run(
      { folder: privateFolder ?? root.folder, merged, onMountPoints },
      {
        ...wanted,
        env: [...wanted.env, ...secretEnv],
        binds: [...wanted.binds, ...prepared.binds],
        // What waits for the next process would wait in a folder that goes away.
        mayBeFollowed: wanted.mayBeFollowed === true && privateFolder === undefined,
      },
      io,
      watch,
    );
  } finally {
    if (request.place !== undefined) tools.containers.delete(request.place.folder);
    root.unmount();
    await prepared?.release();
  }
}
