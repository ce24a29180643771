import { existsSync } from 'node:fs';
import { isDobosError } from '../base/errors.ts';
import { CONTAINER_ROOT, removeContainer } from '../containers/remove-container.ts';
import { stopContainer } from '../containers/signal-container.ts';
import type { Container } from '../containers/types.ts';
import type { App } from './app.ts';
import { lookUpContainer, openContainers } from './containers.ts';
import { writtenBytes } from './list-containers.ts';
import { labelFilter, readFilters, untilFilter } from './list-filters.ts';

/** Removes a container; with `force` it is killed first if it runs. @throws CONTAINER_UNKNOWN, CONTAINER_RUNNING */
export async function removeByName(
  app: App,
  text: string,
  o: { readonly force: boolean; readonly volumes?: boolean | undefined },
): Promise<void> {
  const tools = await openContainers(app);
  const container = await lookUpContainer(tools.records, text);
  if (o.force && (container.state.kind === 'running' || container.state.kind === 'restarting')) {
    await stopContainer(tools, container, { signal: 'SIGKILL', seconds: 0 });
    if (container.autoRemove) return;
  }
  await removeContainer(tools, container, { volumes: o.volumes });
}

export interface PrunedContainers {
  /** Whole ids. */
  readonly removed: readonly string[];
  readonly bytes: number;
}

/** Removes every container that does not run and that the filters fit, and what removals that were interrupted left. @throws LIST_FILTER */
export async function pruneContainers(app: App, filters: readonly string[] = []): Promise<PrunedContainers> {
  const fits = await readFilters<Container>(filters, {
    label: labelFilter(({ config }) => config.Labels),
    'label!': labelFilter(({ config }) => config.Labels, true),
    until: untilFilter(app.settings.now(), ({ createdAt }) => createdAt),
  });
  const tools = await openContainers(app);
  const { records } = tools;
  const idle = (await records.list()).filter(
    (container) =>
      container.state.kind !== 'running' && container.state.kind !== 'restarting' && fits(container),
  );
  const sizes = idle.length === 0 ? [] : await writtenBytes(tools, idle);
  const removed: string[] = [];
  let bytes = 0;
  for (const [at, container] of idle.entries()) {
    try {
      await removeContainer(tools, container);
      removed.push(container.id);
      bytes += sizes[at] ?? 0;
    } catch (error) {
      // Somebody has started or removed it meanwhile.
      if (!isDobosError(error, 'CONTAINER_RUNNING') && !isDobosError(error, 'CONTAINER_UNKNOWN')) throw error;
    }
  }
  await dropRoots(app, (id) => existsSync(records.folderOf(id)));
  return { removed, bytes };
}

/** Longer than a container is in the making. */
const MAKING_MS = 60 * 60 * 1000;

/** What keeps images for containers that came to nothing: their command was killed in between. */
async function dropRoots(app: App, exists: (id: string) => boolean): Promise<void> {
  const { roots } = await app.store();
  for await (const { id, usedAt } of roots.list(CONTAINER_ROOT)) {
    if (!exists(id) && usedAt < app.settings.now() - MAKING_MS) await roots.remove(CONTAINER_ROOT, id);
  }
}
