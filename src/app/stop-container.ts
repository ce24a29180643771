import { askContainer } from '../containers/control-client.ts';
import { containerError } from '../containers/errors.ts';
import { parseSignal, stopContainer } from '../containers/signal-container.ts';
import type { Container } from '../containers/types.ts';
import type { App } from './app.ts';
import { type ContainerTools, lookUpContainer, openContainers } from './containers.ts';
import { findRunning } from './reach-container.ts';
import { type StartOptions, startInBackground } from './run-container.ts';

export interface StopHow {
  /** As the person wrote it; the image's when absent, or TERM. */
  readonly signal?: string | undefined;
  /** Before it is killed; negative: for ever. The image's when absent, or 10. */
  readonly seconds?: number | undefined;
}

const STOP_SECONDS = 10;

/** Stops a container; nothing happens if it does not run. @throws CONTAINER_UNKNOWN, CONTAINER_SIGNAL, as `stopContainer` */
export async function stopByName(
  app: App,
  name: string,
  how: StopHow,
  o: Pick<StartOptions, 'signal'>,
): Promise<void> {
  const tools = await openContainers(app);
  const container = await lookUpContainer(tools.records, name);
  const { StopSignal, StopTimeout } = container.config;
  const signal = parseSignal(how.signal ?? StopSignal ?? 'TERM');
  if (container.state.kind !== 'running' && container.state.kind !== 'restarting') return;
  // What is stopped hears nothing.
  if (isPaused(container)) await resume(tools, container);
  await stopContainer(tools, container, { signal, seconds: how.seconds ?? StopTimeout ?? STOP_SECONDS }, o);
}

/** Stops a container if it runs, and starts it in the background. @throws as `stopByName` and `startInBackground` */
export async function restartContainer(
  app: App,
  name: string,
  how: StopHow,
  o: Pick<StartOptions, 'signal'> & { readonly onWarning?: ((message: string) => void) | undefined },
): Promise<void> {
  await stopByName(app, name, how, o);
  await startInBackground(app, name, o);
}

/** Stops all processes of a container where they are. @throws CONTAINER_NOT_RUNNING, CONTAINER_PAUSED, RUNTIME_UNISOLATED */
export async function pauseContainer(app: App, name: string): Promise<void> {
  const tools = await openContainers(app);
  const container = await findRunning(app, name);
  if (isPaused(container)) throw containerError('CONTAINER_PAUSED', { name, action: 'paused' });
  await askContainer(tools.records, container, { do: 'signal', signal: 'SIGSTOP', to: 'all' });
  await note(tools, container, true);
}

/** Lets the processes of a container go on. @throws CONTAINER_NOT_RUNNING, CONTAINER_NOT_PAUSED */
export async function unpauseContainer(app: App, name: string): Promise<void> {
  const tools = await openContainers(app);
  const container = await findRunning(app, name);
  if (!isPaused(container)) throw containerError('CONTAINER_NOT_PAUSED', { name });
  await resume(tools, container);
}

async function resume(tools: ContainerTools, container: Container): Promise<void> {
  await askContainer(tools.records, container, { do: 'signal', signal: 'SIGCONT', to: 'all' });
  await note(tools, container, false);
}

const isPaused = ({ state }: Container): boolean => state.kind === 'running' && state.paused === true;

/** Unless it has ended meanwhile. */
async function note({ records }: ContainerTools, { id }: Container, paused: boolean): Promise<void> {
  await records.change(id, (now) =>
    now.state.kind === 'running' ? { ...now, state: { ...now.state, paused } } : now,
  );
}
