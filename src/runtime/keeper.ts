import { reviveError } from '../base/errors.ts';
import type { TerminalSize } from '../linux/pty.ts';
import { runtimeError } from './errors.ts';
import type { FromKeeper, KeeperCall, KeeperResults } from './keeper-messages.ts';
import { type KeeperProcess, type LaunchOptions, launchKeeper } from './launch-keeper.ts';
import type { OwnMounts } from './own-mounts.ts';
import type { Keeper, KeeperOptions, ProgramReach, RunWatch } from './types.ts';

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
  readonly onEvent: RunWatch['onEvent'];
  readonly onStarted: (() => void) | undefined;
  /** Of the input that was sent last. */
  onTaken?: (() => void) | undefined;
}

export interface KeeperSurroundings extends Pick<LaunchOptions, 'environment' | 'spawned'> {
  /** For a program of ours that has given itself a mount namespace: where it can, it does a keeper's work itself, without another process. */
  readonly mounts?: OwnMounts | undefined;
}

/**
 * A keeper for the store in a folder. The process starts at the first call (about 100 ms; call `executor()` early to have it start beside other work), serves calls
 * in parallel, and ends with `close()` or with this process, however that dies: mounts, containers and runtime state go with it.
 * An aborted call rejects with the signal's reason after its container is gone.
 * @throws RUNTIME_PLATFORM, RUNTIME_PROGRAM_MISSING, RUNTIME_NAMESPACES from the calls, and what rootfs, layer and store throw
 */
export async function openKeeper(
  options: KeeperOptions,
  { environment, spawned, mounts }: KeeperSurroundings = {},
): Promise<Keeper> {
  let started: Promise<KeeperProcess> | undefined;
  let nextId = 1;
  const unwanted = new AbortController();
  const pending = new Map<number, Pending>();

  /** A promise for what this process waits with before it sends more, if it is its own keeper. */
  const receive = (message: FromKeeper): unknown => {
    if (!('id' in message)) return undefined;
    const call = pending.get(message.id);
    if (call === undefined) return undefined;
    if (message.kind === 'output') {
      const dealt: unknown = call.onEvent?.(message.output);
      if (message.held === true) void heard(message.id, dealt);
      return dealt;
    }
    if (message.kind === 'started') {
      call.onStarted?.();
      return undefined;
    }
    const { onTaken } = call;
    call.onTaken = undefined;
    onTaken?.();
    if (message.kind === 'taken') return undefined;
    pending.delete(message.id);
    if (message.kind === 'done') call.resolve(message.result as never);
    else call.reject(reviveError(message.error));
    return undefined;
  };
  const heard = async (id: number, dealt: unknown): Promise<void> => {
    await Promise.resolve(dealt).catch(() => {});
    (await started)?.send({ kind: 'heard', id });
  };
  const gone = (message: string): void => {
    for (const call of pending.values()) {
      call.onTaken?.();
      call.reject(runtimeError('RUNTIME_KEEPER_GONE', { message }));
    }
    pending.clear();
    started = undefined;
  };

  /** What a call's program is reached by. Input waits until what came before has been written. */
  const reachOf = (id: number, keeper: KeeperProcess): ProgramReach => {
    let last: Promise<void> = Promise.resolve();
    const give = (bytes: Uint8Array | undefined): Promise<void> => {
      last = last.then(
        () =>
          new Promise((resolve) => {
            const one = pending.get(id);
            if (one === undefined) return resolve();
            one.onTaken = resolve;
            keeper.send({ kind: 'input', id, bytes });
          }),
      );
      return last;
    };
    const resize = (size: TerminalSize): void => keeper.send({ kind: 'resize', id, ...size });
    return { write: give, end: () => void give(undefined), resize };
  };

  const start = (ahead = false): Promise<KeeperProcess> => {
    started ??= launch(ahead);
    return started;
  };
  const launch = async (ahead: boolean): Promise<KeeperProcess> => {
    if (mounts !== undefined) {
      const { keepHere } = await import('./keep-here.ts');
      const here = await keepHere(options, receive, { mounts, path: environment?.PATH });
      if (here !== undefined) return here;
    }
    return launchKeeper(options, receive, gone, {
      ahead,
      environment,
      spawned,
      signal: unwanted.signal,
    });
  };

  const call = async <M extends KeeperCall['method']>(
    request: Extract<KeeperCall, { method: M }>,
    o: RunWatch = {},
  ): Promise<KeeperResults[M]> => {
    o.signal?.throwIfAborted();
    const keeper = await start().catch((error: unknown) => {
      started = undefined;
      throw error;
    });
    o.signal?.throwIfAborted();
    const id = nextId++;
    const cancel = (): void => keeper.send({ kind: 'cancel', id });
    keeper.hold();
    try {
      return await new Promise<KeeperResults[M]>((resolve, reject) => {
        const { onEvent, onStarted } = o;
        const started = onStarted && ((): void => onStarted(reachOf(id, keeper)));
        pending.set(id, { resolve, reject, onEvent, onStarted: started });
        keeper.send({ kind: 'call', id, call: request });
        o.signal?.addEventListener('abort', cancel, { once: true });
      });
    } catch (error) {
      throw o.signal?.aborted ? o.signal.reason : error;
    } finally {
      o.signal?.removeEventListener('abort', cancel);
      keeper.release();
    }
  };

  return {
    // Why it cannot start, the first call says.
    start: () => void start(true).catch(() => {}),
    async executor(use = 'plain') {
      const known = use === 'plain' && (await started?.catch(() => undefined))?.executor;
      return known || call({ method: 'executor', use });
    },
    run: (request, o) => call({ method: 'run', request }, o),
    exec: (folder, process, o) => call({ method: 'exec', folder, process }, o),
    signalContainer: (folder, signal, to) => call({ method: 'signalContainer', folder, signal, to }),
    unpack: (layers, o) => call({ method: 'unpack', layers }, o),
    collectSnapshots: (keep) => call({ method: 'collectSnapshots', keep }),
    listSnapshots: () => call({ method: 'listSnapshots' }),
    listCacheMounts: () => call({ method: 'listCacheMounts' }),
    removeCacheMounts: (choice) => call({ method: 'removeCacheMounts', choice }),
    rootChanges: (root, o) => call({ method: 'rootChanges', root }, o),
    commitRoot: (root, o = {}) => call({ method: 'commitRoot', root, epoch: o.epoch }, { signal: o.signal }),
    packRoot: (root, path, o) => call({ method: 'packRoot', root, path }, o),
    rootBytes: (roots) => call({ method: 'rootBytes', roots }),
    discardRoot: (folder) => call({ method: 'discardRoot', folder }),
    openNetwork: (plan, o) => call({ method: 'openNetwork', plan }, { signal: o?.signal }),
    closeNetwork: (id) => call({ method: 'closeNetwork', id }),
    writeBundle: (request, o) => call({ method: 'writeBundle', request }, { signal: o?.signal }),
    folderBytes: (folders) => call({ method: 'folderBytes', folders }),
    removeFolder: (folder) => call({ method: 'removeFolder', folder }),
    pass: (signal) => {
      void started?.then(
        (keeper) => keeper.send({ kind: 'signal', signal }),
        () => {},
      );
    },
    async close() {
      if (nextId === 1) unwanted.abort();
      const process = await started?.catch(() => undefined);
      await process?.close();
    },
  };
}
