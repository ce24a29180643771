import { writeSync } from 'node:fs';
import type { WatchOptions } from '../base/options.ts';
import type { Preparation } from './prepare-process.ts';
import { KEEPER_STDERR } from './run-program.ts';
import type { ContainerIo, ExitStatus, Output } from './types.ts';

/** The outcome of a process that cannot be started: its message on standard error and docker's exit code. */
export async function refuseProcess(
  refusal: Extract<Preparation, { kind: 'refused' }>,
  io: ContainerIo,
  o: WatchOptions<Output>,
  /** As in `ProgramRun`. */
  stderr = KEEPER_STDERR,
): Promise<ExitStatus & { readonly mountPoints: readonly string[] }> {
  const bytes = Buffer.from(`${refusal.message}\n`);
  if (io.output === 'inherit') writeSync(stderr, bytes);
  else await (o.onEvent as ((event: Output) => unknown) | undefined)?.({ stream: 'stderr', bytes });
  const { code, message: refused, mountPoints } = refusal;
  return { code, refused, mountPoints };
}
