import type { CallOptions } from '../base/options.ts';
import { ownerPid } from '../store/owner.ts';
import type { ContainerRecords } from './container-records.ts';
import { containerError } from './errors.ts';
import { findContainerProcess } from './find-process.ts';
import type { Container } from './types.ts';

/** Between two looks at a container, in milliseconds. */
const LOOK_EVERY_MS = 25;
/** So long a container may be on its way: its image may have to be unpacked first. */
const LONGEST_WAIT_MS = 60_000;

/**
 * The first process of a container that runs, by its pid here, waited for while the container is on its way; undefined if it runs without namespaces: then only the
 * process that looks after it knows which are its.
 * @throws CONTAINER_NOT_RUNNING, CONTAINER_ELSEWHERE, CONTAINER_UNREACHABLE
 */
export async function awaitProcess(
  records: ContainerRecords,
  { id, name }: Pick<Container, 'id' | 'name'>,
  { signal }: CallOptions = {},
): Promise<number | undefined> {
  const began = performance.now();
  for (;;) {
    const now = records.get(id)?.state;
    if (now?.kind !== 'running')
      throw containerError('CONTAINER_NOT_RUNNING', { name, state: now?.kind ?? 'gone' });
    const owner = ownerPid(now.owner);
    if (owner === undefined) throw containerError('CONTAINER_ELSEWHERE', { name });
    const first = findContainerProcess(owner);
    if (first !== undefined) return first;
    const { isListening } = await import('./control-client.ts');
    // It listens when its program runs: who is not found then, a moment after, never will be.
    if (await isListening(records.folderOf(id))) return findContainerProcess(owner);
    if (performance.now() - began > LONGEST_WAIT_MS)
      throw containerError('CONTAINER_UNREACHABLE', { name, seconds: LONGEST_WAIT_MS / 1000 });
    await new Promise((resume) => setTimeout(resume, LOOK_EVERY_MS));
    signal?.throwIfAborted();
  }
}
