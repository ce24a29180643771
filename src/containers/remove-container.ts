import { lstatSync } from 'node:fs';
import { isDobosError } from '../base/errors.ts';
import type { Keeper } from '../runtime/types.ts';
import type { Roots } from '../store/contract.ts';
import { removeLimits } from './container-leftovers.ts';
import type { ContainerRecords } from './container-records.ts';
import { containerError } from './errors.ts';
import { refuseHeld } from './hold-container.ts';
import type { Container } from './types.ts';
import type { Volumes } from './volumes.ts';

/** Kind of the roots that keep images of containers; their id is the container's. */
export const CONTAINER_ROOT = 'container';

export interface RemoveTools {
  readonly records: ContainerRecords;
  readonly volumes: Volumes;
  readonly roots: Pick<Roots, 'remove'>;
  /** Asked only for files that may belong to users of its namespace. */
  readonly keeper: () => Promise<Keeper>;
  /** Whether this process may remove everybody's files. */
  readonly isRoot: boolean;
}

/** Removes a container that does not run, with all it wrote. One whose removal was interrupted is finished with. @throws CONTAINER_RUNNING */
export async function removeContainer(
  tools: RemoveTools,
  { id }: Pick<Container, 'id'>,
  o: { readonly volumes?: boolean | undefined } = {},
): Promise<void> {
  const container = await tools.records.change(id, (now) => {
    if (now.state.kind === 'running' || now.state.kind === 'restarting') {
      throw containerError('CONTAINER_RUNNING', { name: now.name, action: 'removed' });
    }
    refuseHeld(now);
    return { ...now, state: { kind: 'removing' } };
  });
  await forgetContainer(tools, container);
  if (o.volumes === true && !container.autoRemove) await removeOwnVolumes(tools, container);
}

/** Removes what keeps the image, which a container that is being removed needs no more, then the files: so that whoever is killed between has left a container, to be removed again, and not an image that nobody can remove. */
export async function forgetContainer(tools: RemoveTools, container: Container): Promise<void> {
  const { id, autoRemove } = container;
  const { records, roots, keeper, isRoot } = tools;
  await removeLimits(container);
  const folder = records.folderOf(id);
  const root = lstatSync(`${folder}/root`, { throwIfNoEntry: false });
  if (root?.isDirectory() === true && !isRoot) await (await keeper()).discardRoot(folder);
  if (!autoRemove) await roots.remove(CONTAINER_ROOT, id);
  await records.remove(id);
  if (autoRemove) await removeOwnVolumes(tools, container);
}

/** Those that were made for it without a name, if no other container uses them. */
async function removeOwnVolumes(tools: RemoveTools, { process }: Container): Promise<void> {
  for (const { volume } of process.binds) {
    if (volume === undefined || tools.volumes.get(volume)?.anonymous !== true) continue;
    await removeVolume(tools, volume).catch((error: unknown) => {
      if (!isDobosError(error, 'VOLUME_IN_USE') && !isDobosError(error, 'VOLUME_UNKNOWN')) throw error;
    });
  }
}

/** Removes a volume with all that is in it. @throws VOLUME_IN_USE, VOLUME_UNKNOWN */
export async function removeVolume(
  { volumes, records, isRoot, keeper }: Pick<RemoveTools, 'volumes' | 'records' | 'isRoot' | 'keeper'>,
  name: string,
): Promise<void> {
  const trash = await volumes.takeOut(name, () => records.list());
  if (isRoot) (await import('../rootfs/remove-tree.ts')).removeTree(trash);
  else await (await keeper()).removeFolder(trash);
}
