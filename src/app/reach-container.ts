import { askContainer, type ControlWatch } from '../containers/control-client.ts';
import { endRestarts, isLastWord } from '../containers/end-restarts.ts';
import { containerError } from '../containers/errors.ts';
import type { Container } from '../containers/types.ts';
import type { TerminalSize } from '../linux/pty.ts';
import type { ExitStatus } from '../runtime/types.ts';
import type { App } from './app.ts';
import { readNameFile } from './container-settings.ts';
import { lookUpContainer, openContainers } from './containers.ts';
import { mergeEnv } from './run-container.ts';

/** A container that runs. @throws CONTAINER_UNKNOWN, CONTAINER_NOT_RUNNING */
export async function findRunning(app: App, name: string): Promise<Container> {
  const { records } = await openContainers(app);
  const container = await lookUpContainer(records, name);
  if (container.state.kind === 'running') return container;
  throw containerError('CONTAINER_NOT_RUNNING', { name, state: container.state.kind });
}

export interface ExecOptions extends ControlWatch {
  readonly command: readonly string[];
  /** As `--env`. */
  readonly env: readonly string[];
  /** As `--env-file`; what `env` says comes after them. */
  readonly envFiles: readonly string[];
  readonly workdir?: string | undefined;
  readonly user?: string | undefined;
  readonly tty: boolean;
  readonly interactive: boolean;
  readonly privileged: boolean;
  /** Returns as soon as it runs. */
  readonly detach: boolean;
  readonly size?: TerminalSize | undefined;
}

/** Runs one more program in a container that runs; how it ended, undefined if nobody waits for that. @throws RUN_OPTION of a file, CONTAINER_…, RUNTIME_…, IMAGE_USER_… */
export async function execInContainer(
  app: App,
  container: Container,
  o: ExecOptions,
): Promise<ExitStatus | undefined> {
  const { records } = await openContainers(app);
  const { process: ran, state, name } = container;
  if (state.kind === 'running' && state.paused === true) {
    throw containerError('CONTAINER_PAUSED', { name, action: 'entered' });
  }
  const { tty, interactive, privileged, size, detach } = o;
  const env = [...o.envFiles.flatMap((path) => readNameFile('--env-file', path)), ...o.env];
  return askContainer(
    records,
    container,
    {
      do: 'exec',
      detach,
      process: {
        args: o.command,
        env: mergeEnv(ran.env, env, app.settings.environment),
        cwd: o.workdir ?? ran.cwd,
        user: o.user ?? ran.user,
        tty,
        interactive,
        privileged,
        size,
      },
    },
    o,
  );
}

/** Shows what a container in the background prints, and gives it input; how it ended, undefined when it was left. @throws CONTAINER_… */
export async function attachToContainer(
  app: App,
  container: Container,
  o: ControlWatch & { readonly size?: TerminalSize | undefined },
): Promise<ExitStatus | undefined> {
  const { records } = await openContainers(app);
  return askContainer(records, container, { do: 'attach', size: o.size }, o);
}

/** Sends a signal to the first process of a container. */
export async function signalInContainer(
  app: App,
  container: Container,
  signal: NodeJS.Signals,
): Promise<void> {
  const { records } = await openContainers(app);
  if (isLastWord(signal, container.config)) await endRestarts(records, container);
  await askContainer(records, container, { do: 'signal', signal, to: 'first' });
}
