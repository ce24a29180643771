import { setTimeout as after } from 'node:timers/promises';
import { isDobosError } from '../base/errors.ts';
import { type KeeperSurroundings, openKeeper } from '../runtime/keeper.ts';
import type { ExitStatus } from '../runtime/types.ts';
import { createDirectoryStore } from '../store/directory-store.ts';
import { ownerId } from '../store/owner.ts';
import { openLogWriter } from './container-log.ts';
import { type ContainerRecords, openContainerRecords } from './container-records.ts';
import { isOurs, type RunHow, type RunTools, runContainer } from './run-container.ts';
import type { SupervisorOrder } from './supervisor-messages.ts';
import { openVolumes } from './volumes.ts';

export interface SuperviseOptions {
  readonly onWarning: (message: string) => void;
  /** Told when the program runs. */
  readonly onStarted: () => void;
  /** Kills the container. */
  readonly signal: AbortSignal;
  /** Of this process, for its keeper. */
  readonly surroundings?: KeeperSurroundings | undefined;
}

/** Runs a container to its end, and again as often as its restart policy wants, writing down what it prints; how it ended the first time. @throws as `runContainer` */
export async function supervise(
  { id, storeFolder, runtime, again = false }: SupervisorOrder,
  o: SuperviseOptions,
): Promise<ExitStatus | undefined> {
  const records = openContainerRecords(storeFolder, { now: Date.now, random: Math.random });
  const { roots } = createDirectoryStore(storeFolder);
  const keeper = await openKeeper({ storeFolder, runtime }, o.surroundings);
  try {
    const { warning } = await keeper.executor();
    if (warning !== undefined) o.onWarning(warning);
    const log = openLogWriter(records.folderOf(id), Date.now);
    try {
      const tools = {
        records,
        roots,
        volumes: openVolumes(storeFolder, { now: Date.now }),
        keeper: async () => keeper,
        now: Date.now,
        isRoot: process.getuid?.() === 0,
      };
      const { interactive } = records.get(id) ?? { interactive: false };
      const how: RunHow = {
        interactive,
        signal: o.signal,
        onOutput: log.write,
        onStarted: o.onStarted,
        onWarning: o.onWarning,
      };
      if (again) {
        await takeOver(records, id);
        o.onStarted();
      }
      const exit = again ? undefined : await runContainer(tools, { id }, how);
      await restart(tools, id, how);
      return exit;
    } finally {
      log.close();
    }
  } finally {
    await keeper.close();
  }
}

/** From the command in whose foreground it ran. */
async function takeOver(records: ContainerRecords, id: string): Promise<void> {
  await records.change(id, (now) =>
    now.state.kind === 'restarting' ? { ...now, state: { ...now.state, owner: ownerId() } } : now,
  );
}

/** So long it is waited for whoever writes into the container's files. */
const HELD_WAIT_MS = 100;

/** Starts the container again as long as that is up to this process. @throws as `runContainer` */
async function restart(tools: RunTools, id: string, how: RunHow): Promise<void> {
  let isHeld = false;
  for (;;) {
    const now = tools.records.get(id);
    if (now === undefined || !isOurs(now)) return;
    await after(isHeld ? HELD_WAIT_MS : now.restarts?.waitMs, undefined, { signal: how.signal }).catch(
      () => {},
    );
    if (how.signal?.aborted === true) return giveUp(tools.records, id);
    try {
      await runContainer(tools, { id }, { ...how, again: true });
      isHeld = false;
    } catch (error) {
      isHeld = isDobosError(error, 'CONTAINER_HELD');
      // Somebody has stopped or removed it.
      if (isDobosError(error, 'CONTAINER_NOT_RUNNING') || isDobosError(error, 'CONTAINER_UNKNOWN')) return;
      if (!isHeld) throw error;
    }
  }
}

/** Nobody starts it again. */
async function giveUp(records: ContainerRecords, id: string): Promise<void> {
  await records.change(id, (now) => {
    if (now.state.kind !== 'restarting' || now.state.owner !== ownerId()) return now;
    const { owner: _, ...ended } = now.state;
    return { ...now, state: { ...ended, kind: 'exited' } };
  });
}
