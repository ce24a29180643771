import type { LogEntry } from '../containers/container-log.ts';
import { type ReadLogOptions, readLog } from '../containers/read-log.ts';
import type { App } from './app.ts';
import { lookUpContainer, openContainers } from './containers.ts';

/** What a container printed in the background, oldest first; with `follow` until it has ended. @throws CONTAINER_UNKNOWN */
export async function* containerLog(
  app: App,
  name: string,
  o: Omit<ReadLogOptions, 'goesOn'> & { readonly follow: boolean },
): AsyncIterable<LogEntry> {
  const { records } = await openContainers(app);
  const { id } = await lookUpContainer(records, name);
  const goesOn = (): boolean => {
    const kind = o.follow ? records.get(id)?.state.kind : undefined;
    return kind === 'running' || kind === 'restarting';
  };
  yield* readLog(records.folderOf(id), { ...o, goesOn });
}
