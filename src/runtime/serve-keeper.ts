import type { WatchOptions } from '../base/options.ts';
import { openLayer } from '../layer/open-layer.ts';
import type { Layer } from '../layer/types.ts';
import type { Rootfs, Snapshotter } from '../rootfs/types.ts';
import type { LocalStore } from '../store/contract.ts';
import type { ExecutorChoice } from './choose-executor.ts';
import type { KeeperCall } from './keeper-messages.ts';
import type { LayerRef, Output, RunOutcome, RunRequest } from './types.ts';

/** What the keeper works with, inside its namespaces. */
export interface KeeperTools {
  readonly store: LocalStore;
  readonly snapshotter: Snapshotter;
  /** Chosen at the first use, once. */
  readonly executor: () => Promise<ExecutorChoice>;
}

/** Answers one call; what a run mounts is unmounted and what it wrote is removed or committed when this returns or throws. */
export async function answerCall(
  tools: KeeperTools,
  call: KeeperCall,
  o: WatchOptions<Output>,
): Promise<unknown> {
  switch (call.method) {
    case 'executor': {
      const { executor, detail } = await tools.executor();
      return { name: executor.name, detail };
    }
    case 'run':
      return runOver(tools, call.request, o);
    case 'unpack':
      await tools.snapshotter.unpack(openLayers(tools.store, call.layers), { signal: o.signal });
      return undefined;
    case 'collectSnapshots':
      return tools.snapshotter.collect(new Set(call.keep), { signal: o.signal });
    case 'listSnapshots':
      return tools.snapshotter.list();
  }
}

function openLayers(store: LocalStore, refs: readonly LayerRef[]): Layer[] {
  return refs.map(({ blob, diffId }) => openLayer(store, blob, diffId));
}

async function runOver(
  tools: KeeperTools,
  request: RunRequest,
  o: WatchOptions<Output>,
): Promise<RunOutcome> {
  const choice = await tools.executor();
  const root = await tools.snapshotter.prepare(openLayers(tools.store, request.layers), { signal: o.signal });
  try {
    const exit = await runMounted(choice, root, request, o);
    if (!request.commit || exit.code !== 0) return { exit: { code: exit.code, signal: exit.signal } };
    const layer = await root.commit({
      signal: o.signal,
      epoch: request.epoch,
      mountPoints: exit.mountPoints,
    });
    return { exit: { code: exit.code }, layer: { blob: layer.blob, diffId: layer.diffId } };
  } finally {
    await root.dispose();
  }
}

async function runMounted(
  choice: ExecutorChoice,
  root: Rootfs,
  request: RunRequest,
  o: WatchOptions<Output>,
) {
  const merged = root.mount();
  try {
    const stdin = request.io === 'inherit' && request.interactive === true ? 'inherit' : 'null';
    const io = { stdin, output: request.io } as const;
    return await choice.executor.run({ folder: root.folder, merged }, request.process, io, o);
  } finally {
    root.unmount();
  }
}
