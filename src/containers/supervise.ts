import { openKeeper } from '../runtime/keeper.ts';
import type { ExitStatus } from '../runtime/types.ts';
import { createDirectoryStore } from '../store/directory-store.ts';
import { openLogWriter } from './container-log.ts';
import { openContainerRecords } from './container-records.ts';
import { runContainer } from './run-container.ts';
import type { SupervisorOrder } from './supervisor-messages.ts';
import { openVolumes } from './volumes.ts';

export interface SuperviseOptions {
  readonly onWarning: (message: string) => void;
  /** Told when the program runs. */
  readonly onStarted: () => void;
  /** Kills the container. */
  readonly signal: AbortSignal;
}

/** Runs a container to its end, writing down what it prints; how it ended. @throws as `runContainer` */
export async function supervise(
  { id, storeFolder, runtime }: SupervisorOrder,
  o: SuperviseOptions,
): Promise<ExitStatus> {
  const records = openContainerRecords(storeFolder, { now: Date.now, random: Math.random });
  const { roots } = createDirectoryStore(storeFolder);
  const keeper = await openKeeper({ storeFolder, runtime });
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
      return await runContainer(
        tools,
        { id },
        {
          interactive,
          signal: o.signal,
          onOutput: log.write,
          onStarted: o.onStarted,
          onWarning: o.onWarning,
        },
      );
    } finally {
      log.close();
    }
  } finally {
    await keeper.close();
  }
}
