import type { PreparedProcess } from './prepare-process.ts';
import type { Confinement, ResourceLimit } from './types.ts';

/** What chroot-worker.ts does; a JSON file in the run's folder. */
export interface ChrootTask {
  readonly merged: string;
  /** False: there are no namespaces and nothing can be mounted; the root is only changed. */
  readonly isolated: boolean;
  readonly hostname: string;
  readonly network: 'host' | 'none';
  /** A network namespace to go to, by its file. */
  readonly joined?: string | undefined;
  readonly tty: boolean;
  /** Its terminal is in no session yet. */
  readonly ownTerminal: boolean;
  /** The process whose namespaces and root are to be entered instead of making some. */
  readonly join?: number | undefined;
  readonly canSetGroups: boolean;
  readonly rootless: boolean;
  readonly privileged: boolean;
  readonly process: PreparedProcess;
  readonly confinement?: Confinement | undefined;
  readonly shmBytes?: number | undefined;
  readonly limits?: readonly ResourceLimit[] | undefined;
  /** Gets `ready` when everything is set up, or the reason why not. */
  readonly report: string;
}

/** The report of a process that was about to be started. */
export const READY = 'ready';
