import type { OwnerState } from '../store/owner.ts';
import type { Container } from './types.ts';

/** What the kernel gives to whoever is killed: 128 and the number of SIGKILL. */
const KILLED = 137;

export interface Observation {
  readonly ownerState: (owner: string) => OwnerState;
  /** Epoch milliseconds. */
  readonly now: number;
  /** When this machine started, epoch milliseconds. */
  readonly bootedAt: number;
}

/**
 * The container as it really is: one whose command has died has died with it, killed by the kernel. When that was nobody saw: the time is that of the
 * observation, or of the machine's start if it was before. The same object if nothing is new.
 */
export function settleState(container: Container, seen: Observation): Container {
  const { state } = container;
  if (state.kind === 'restarting' && seen.ownerState(state.owner) === 'dead') {
    const { owner: _, ...ended } = state;
    return {
      ...container,
      state: { ...ended, kind: 'exited', problem: 'what was to start it again is gone' },
    };
  }
  if (state.kind !== 'running' || seen.ownerState(state.owner) !== 'dead') return container;
  const rebooted = state.startedAt < seen.bootedAt && seen.bootedAt <= seen.now;
  const problem = rebooted ? 'the machine was restarted' : 'the command that ran it was killed';
  const finishedAt = rebooted ? seen.bootedAt : seen.now;
  return {
    ...container,
    state: { kind: 'exited', startedAt: state.startedAt, finishedAt, code: KILLED, problem },
  };
}
