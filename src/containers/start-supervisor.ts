import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { reviveError } from '../base/errors.ts';
import { builtProcess } from '../base/pool.ts';
import type { ExitStatus } from '../runtime/types.ts';
import { containerError } from './errors.ts';
import type { FromSupervisor, SupervisorOrder } from './supervisor-messages.ts';

const PROGRAM = fileURLToPath(builtProcess(new URL('./supervisor-worker.ts', import.meta.url)));

/**
 * Starts a container that goes on without this process; returns when its program runs, or with the exit status of one that could not be started.
 * @throws CONTAINER_UNWATCHED, CONTAINER_…, RUNTIME_…
 */
export function startSupervisor(
  order: SupervisorOrder,
  o: {
    readonly onWarning?: ((message: string) => void) | undefined;
    /** Of the new process; this one's when absent. */
    readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  } = {},
): Promise<ExitStatus | undefined> {
  // Its own session: neither the terminal nor a job of a shell takes it along. Nothing of the caller's folder is held.
  const child = spawn(process.execPath, [PROGRAM, order.id], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
    ...(o.environment !== undefined && { env: { ...o.environment } }),
  });
  return new Promise<ExitStatus | undefined>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      const problem = signal === null ? `it ended with ${code}` : 'it was killed';
      reject(containerError('CONTAINER_UNWATCHED', { id: order.id.slice(0, 12), problem }));
    });
    child.on('message', (message: FromSupervisor) => {
      switch (message.kind) {
        case 'warning':
          o.onWarning?.(message.message);
          return;
        case 'started':
          resolve(undefined);
          return;
        case 'ended':
          resolve(message.exit);
          return;
        case 'failed':
          reject(reviveError(message.error));
      }
    });
    child.send(order, (error) => error !== null && reject(error));
  }).finally(() => {
    if (child.connected) child.disconnect();
    child.unref();
  });
}
