import { constants } from 'node:os';
import type { ContainerConfig } from '../oci/types.ts';
import { ownerPid, ownerState } from '../store/owner.ts';
import type { ContainerRecords } from './container-records.ts';
import type { Container } from './types.ts';

/** Whether a signal that a person sends is the last word, as docker has it: SIGKILL, the container's stop signal, and any if it has none of its own. */
export function isLastWord(
  signal: NodeJS.Signals,
  { StopSignal: own }: Pick<ContainerConfig, 'StopSignal'>,
): boolean {
  if (signal === 'SIGKILL' || own === undefined || own === '') return true;
  if (/^\d+$/.test(own)) return constants.signals[signal] === Number(own);
  return own.toUpperCase().replace(/^(?:SIG)?/, 'SIG') === signal;
}

/** Sees to it that the container is not started again when it ends. True if it was waiting for that: then it has ended now. @throws CONTAINER_UNKNOWN */
export async function endRestarts(
  records: ContainerRecords,
  { id, restart }: Pick<Container, 'id' | 'restart'>,
): Promise<boolean> {
  if (restart === undefined) return false;
  let waits: string | undefined;
  await records.change(id, (now) => {
    if (now.state.kind === 'running') return { ...now, state: { ...now.state, last: true } };
    if (now.state.kind !== 'restarting') return now;
    const { owner, ...ended } = now.state;
    waits = owner;
    return { ...now, state: { ...ended, kind: 'exited' } };
  });
  if (waits === undefined) return false;
  wake(waits);
  return true;
}

/** Who waits has nothing to wait for any more; if it cannot be told, it finds out at the end of its wait. */
function wake(owner: string): void {
  const pid = ownerPid(owner);
  if (pid === undefined || pid === process.pid || ownerState(owner) !== 'alive') return;
  try {
    process.kill(pid, 'SIGTERM');
  } catch {}
}
