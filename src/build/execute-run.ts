import type { WatchOptions } from '../base/options.ts';
import type { Image } from '../image/types.ts';
import { openLayer } from '../layer/open-layer.ts';
import type { Layer } from '../layer/types.ts';
import type { BindMount, HostName, Keeper, Output, ResourceLimit } from '../runtime/types.ts';
import type { LocalStore } from '../store/contract.ts';
import { buildError } from './errors.ts';
import type { Op } from './graph.ts';
import type { ResolvedMounts } from './step-mounts.ts';

/** What a build gives to each of its RUNs, and no layer, history or key holds. */
export interface StepSurroundings {
  readonly hosts?: readonly HostName[] | undefined;
  /** Bytes of /dev/shm. */
  readonly shmBytes?: number | undefined;
  readonly limits?: readonly ResourceLimit[] | undefined;
  /** Folders of the host, shown as they are; a mount of the step itself covers them. */
  readonly volumes?: readonly BindMount[] | undefined;
}

export interface RunTools {
  readonly store: LocalStore;
  /** Started when the first RUN really runs. */
  readonly keeper: () => Promise<Keeper>;
  readonly epoch?: number | undefined;
  /** Given: what a failed RUN leaves is wanted too. */
  readonly keepFailed?: unknown;
  readonly surroundings?: StepSurroundings | undefined;
}

/** Every RUN of every build sees the same name, as the file system may keep it. */
const HOSTNAME = 'dobos';
/** Lines and characters of a line that an error repeats. */
const KEPT_LINES = 12;
const KEPT_WIDTH = 2000;

/** The layer that a RUN makes. Its output goes out as events. @throws BUILD_RUN_FAILED with the last lines */
export async function executeRun(
  op: Op & { readonly kind: 'run' },
  image: Image,
  mounts: ResolvedMounts,
  tools: RunTools,
  o: WatchOptions<Output> & { readonly isLast?: boolean } = {},
): Promise<Layer> {
  const keeper = await tools.keeper();
  o.signal?.throwIfAborted();
  const { volumes = [], hosts, shmBytes, limits } = tools.surroundings ?? {};
  const tail = createTail();
  const { exit, layer } = await keeper.run(
    {
      layers: image.layers.map(({ blob, diffId }) => ({ blob, diffId })),
      process: {
        args: op.args,
        env: [...op.secretEnv, ...op.env, ...mounts.env],
        cwd: op.cwd,
        user: op.user,
        network: op.network === 'none' ? 'none' : 'host',
        hostname: op.hostname ?? HOSTNAME,
        tty: false,
        mayBeFollowed: true,
        isLast: o.isLast,
        privileged: op.insecure,
        binds: volumes,
        hosts,
        shmBytes,
        limits,
      },
      mounts: mounts.mounts,
      secretEnv: mounts.secretEnv,
      io: 'events',
      commit: true,
      commitFailed: tools.keepFailed !== undefined,
      epoch: tools.epoch,
    },
    {
      signal: o.signal,
      onEvent: (output) => {
        tail.add(output.bytes);
        o.onEvent?.(output);
      },
    },
  );
  o.signal?.throwIfAborted();
  const { code, signal } = exit;
  if (code !== 0) {
    const facts = { command: op.args.join(' '), code, signal, lines: tail.lines(), left: layer };
    throw buildError('BUILD_RUN_FAILED', facts);
  }
  if (layer === undefined) throw new TypeError('the keeper made no layer of a RUN that ended well');
  return openLayer(tools.store, layer.blob, layer.diffId);
}

/** Keeps the last lines of a stream of any length. */
function createTail(): { add(bytes: Uint8Array): void; lines(): readonly string[] } {
  const lines: string[] = [];
  let open = '';
  const decoder = new TextDecoder();
  return {
    add(bytes) {
      const parts = (open + decoder.decode(bytes, { stream: true })).split('\n');
      open = (parts.pop() ?? '').slice(0, KEPT_WIDTH);
      for (const part of parts.slice(-KEPT_LINES)) lines.push(part.slice(0, KEPT_WIDTH));
      lines.splice(0, Math.max(0, lines.length - KEPT_LINES));
    },
    lines: () => (open === '' ? lines : [...lines, open].slice(-KEPT_LINES)),
  };
}
