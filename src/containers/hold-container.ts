import { ownerId, ownerState } from '../store/owner.ts';
import type { ContainerRecords } from './container-records.ts';
import { containerError } from './errors.ts';
import type { Container } from './types.ts';

/** Whether somebody writes into the files of a container that does not run. @throws CONTAINER_HELD */
export function refuseHeld({ name, heldBy }: Container): void {
  if (heldBy !== undefined && ownerState(heldBy) !== 'dead') throw containerError('CONTAINER_HELD', { name });
}

/** Keeps a container that does not run from being started, by others or removed, while `work` changes its files. Undefined, with nothing done, if it runs. @throws CONTAINER_HELD, CONTAINER_REMOVING */
export async function whileIdle<T>(
  records: ContainerRecords,
  { id }: Pick<Container, 'id'>,
  work: (container: Container) => Promise<T>,
): Promise<T | undefined> {
  let isIdle = false;
  const container = await records.change(id, (now) => {
    if (now.state.kind === 'removing') throw containerError('CONTAINER_REMOVING', { name: now.name });
    refuseHeld(now);
    isIdle = now.state.kind !== 'running';
    return isIdle ? { ...now, heldBy: ownerId() } : now;
  });
  if (!isIdle) return undefined;
  try {
    return await work(container);
  } finally {
    await records.change(id, ({ heldBy: _, ...now }) => now);
  }
}
