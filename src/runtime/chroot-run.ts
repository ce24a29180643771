import { readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { fsPath } from '../base/names.ts';
import { type ChrootTask, READY } from './chroot-task.ts';
import { runtimeError } from './errors.ts';
import { readOwnNamespace } from './own-namespace.ts';
import type { PreparedProcess } from './prepare-process.ts';
import type { ProgramEnd } from './run-program.ts';
import type { Process } from './types.ts';
import { WORDS_OF_A_KILL } from './unshare-words.ts';

/** The task of a chroot-worker; its report is made, empty, in the run's folder. */
export function chrootTask(
  folder: string,
  merged: string,
  prepared: PreparedProcess,
  process: Process,
  {
    isolated = true,
    ownTerminal = false,
    join,
  }: { readonly isolated?: boolean; readonly ownTerminal?: boolean; readonly join?: number } = {},
): ChrootTask {
  if (process.resources !== undefined) {
    const why = 'without an OCI runtime no cgroups are made';
    throw runtimeError('RUNTIME_LIMIT', { what: 'what a container uses', why });
  }
  if (typeof process.confinement?.seccomp === 'object') {
    throw runtimeError('RUNTIME_SECCOMP', { problem: 'without an OCI runtime there is no filter' });
  }
  const own = readOwnNamespace();
  const report = `${folder}/report`;
  writeFileSync(fsPath(report), '', { mode: 0o600 });
  return {
    merged,
    isolated,
    ownTerminal,
    join,
    hostname: process.hostname,
    network: process.network === 'host' ? 'host' : 'none',
    joined: typeof process.network === 'object' ? process.network.path : undefined,
    tty: process.tty,
    canSetGroups: own.canSetGroups,
    rootless: own.isUserNamespace,
    privileged: process.privileged === true,
    process: prepared,
    confinement: process.confinement,
    shmBytes: process.shmBytes,
    limits: process.limits,
    report,
  };
}

/** What the worker has said about its task so far. */
export const reportOf = ({ report }: ChrootTask): string => readFileSync(fsPath(report), 'utf8');

/** How the step ended. unshare passes on the exit code, and kills itself with the signal that killed its child. @throws RUNTIME_FAILED unless it was `ready` */
export function chrootExit(
  runtime: string,
  end: ProgramEnd & { readonly said?: string },
  report: string,
  said: string,
): { readonly code: number; readonly signal?: string } {
  if (report !== READY) {
    const message = report === '' ? said.trim() || `it ended with ${end.code ?? end.signal}` : report;
    const usual = '--runtime with the name of an OCI runtime such as runc does it another way';
    const hint = message.includes('rlimit') ? undefined : usual;
    throw runtimeError('RUNTIME_FAILED', { runtime, message }, { hint });
  }
  if (end.code === 1 && WORDS_OF_A_KILL.test(end.said ?? '')) return { code: 137, signal: 'SIGKILL' };
  if (end.code !== undefined) return { code: end.code };
  return { code: 128 + signalNumber(end.signal), signal: end.signal ?? 'SIGKILL' };
}

function signalNumber(signal: string | undefined): number {
  const numbers: Readonly<Record<string, number>> = constants.signals;
  return numbers[signal ?? ''] ?? 9;
}
