import { lstatSync } from 'node:fs';
import type { Keeper } from '../runtime/types.ts';
import type { Roots } from '../store/contract.ts';
import type { ContainerRecords } from './container-records.ts';
import { containerError } from './errors.ts';
import { refuseHeld } from './hold-container.ts';
import type { Container } from './types.ts';

/** Kind of the roots that keep images of containers; their id is the container's. */
export const CONTAINER_ROOT = 'container';

export interface RemoveTools {
  readonly records: ContainerRecords;
  readonly roots: Pick<Roots, 'remove'>;
  /** Asked only for files that may belong to users of its namespace. */
  readonly keeper: () => Promise<Keeper>;
  /** Whether this process may remove everybody's files. */
  readonly isRoot: boolean;
}

/** Removes a container that does not run, with all it wrote. One whose removal was interrupted is finished with. @throws CONTAINER_RUNNING */
export async function removeContainer(tools: RemoveTools, { id }: Pick<Container, 'id'>): Promise<void> {
  const container = await tools.records.change(id, (now) => {
    if (now.state.kind === 'running') {
      throw containerError('CONTAINER_RUNNING', { name: now.name, action: 'removed' });
    }
    refuseHeld(now);
    return { ...now, state: { kind: 'removing' } };
  });
  await forgetContainer(tools, container);
}

/** Removes the files, then what keeps the image. */
export async function forgetContainer(tools: RemoveTools, { id, autoRemove }: Container): Promise<void> {
  const { records, roots, keeper, isRoot } = tools;
  const folder = records.folderOf(id);
  const root = lstatSync(`${folder}/root`, { throwIfNoEntry: false });
  if (root?.isDirectory() === true && !isRoot) await (await keeper()).discardRoot(folder);
  await records.remove(id);
  if (!autoRemove) await roots.remove(CONTAINER_ROOT, id);
}
