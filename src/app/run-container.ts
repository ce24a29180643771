import { errorMaker } from '../base/errors.ts';
import { isLastWord } from '../containers/end-restarts.ts';
import type { Container } from '../containers/types.ts';
import type { Image } from '../image/types.ts';
import type { ContainerConfig } from '../oci/types.ts';
import type { ExitStatus } from '../runtime/types.ts';
import type { App } from './app.ts';
import type { ContainerRequest, ContainerTools } from './containers.ts';
import { type FindOrPullOptions, findOrPull } from './find-or-pull.ts';
import { type FinishOptions, finishRequest, readOptions, withFiles } from './finish-request.ts';
import { chooseNetwork, type NetworkOptions } from './network-options.ts';
import { readRestartPolicy } from './restart-policy.ts';
import { warnOfExecutor } from './warn-of-executor.ts';

type RunErrors = {
  RUN_NO_COMMAND: { image: string };
  RUN_NO_TERMINAL: { name: string };
};
const runError = errorMaker<RunErrors>({
  RUN_NO_COMMAND: ({ image }) => ({
    message: `${image} has neither ENTRYPOINT nor CMD, and no command was given`,
    hint: `name a program after the image: dobos run ${image} /bin/sh`,
  }),
  RUN_NO_TERMINAL: ({ name }) => ({
    message: `container ${name} was made with -t, and standard input is no terminal`,
    hint: 'start it from a terminal',
  }),
});

export interface RunOptions extends NetworkOptions, FinishOptions {
  readonly image: string;
  /** Of the container; a made-up one when absent. */
  readonly name?: string | undefined;
  /** The container goes when it ends. */
  readonly remove: boolean;
  /** As `--restart`. */
  readonly restart?: string | undefined;
  /** Replaces the image's CMD when not empty. */
  readonly command: readonly string[];
  readonly entrypoint?: string | undefined;
  readonly workdir?: string | undefined;
  readonly user?: string | undefined;
  readonly hostname?: string | undefined;
  readonly interactive: boolean;
  readonly tty: boolean;
  readonly runtime?: string | undefined;
  /** Whether and how the image is pulled; its signal ends the pull only. */
  readonly pull?: FindOrPullOptions | undefined;
  /** Told when the image is here. */
  readonly onPulled?: (() => void) | undefined;
  /** Told what is special about how programs run here. */
  readonly onWarning?: ((message: string) => void) | undefined;
  /** Kills the container. */
  readonly signal?: AbortSignal | undefined;
  /** Told how to pass signals to the program, before it starts. */
  readonly onStart?: ((pass: PassSignal) => void) | undefined;
}

/** Passes a signal to the program; one that it has heard already is only noted. */
export type PassSignal = (signal: NodeJS.Signals, isHeard: boolean) => void;

/** Runs a program in a new container of the image, on this process's own stdio; how it ended. If it is to be started again, that goes on without this process, as docker has it. @throws RUN_NO_COMMAND, RUN_VOLUME, CONTAINER_NAME…, RUNTIME_…, and as `findOrPull` */
export async function runContainer(app: App, asked: RunOptions): Promise<ExitStatus> {
  const o = withFiles(asked);
  const read = readOptions(app, o);
  const starting = app.keeper(o.runtime);
  // It starts while the image is looked for and the container written down.
  void starting.then((keeper) => keeper.start?.());
  const found = await findOrPull(app, o.image, o.pull ?? {});
  o.onPulled?.();
  const request = requestOf(app, found.image, o);
  const keeper = await starting;
  const use = read.resources === undefined && !o.tty ? 'plain' : 'full';
  const warned = warnOfExecutor(keeper, use, (message) => o.onWarning?.(message));
  let isLast = false;
  o.onStart?.((signal, isHeard) => {
    isLast ||= isLastWord(signal, request.config);
    if (!isHeard) keeper.pass?.(signal);
  });
  const [{ createContainer, openContainers }, containers] = await Promise.all([
    import('./containers.ts'),
    import('../containers/run-container.ts'),
  ]);
  const container = await createContainer(app, found, finishRequest(app, found.image, request, o, read));
  const tools = await openContainers(app, o.runtime);
  await warned;
  const { signal, interactive, onWarning } = o;
  const how = { signal, interactive, onWarning, isLast: () => isLast };
  const exit = await containers.runContainer(tools, container, how);
  await handOver(app, tools, container, o);
  return exit;
}

/** Starts a program in a new container of the image, and leaves it to a process of its own; the exit status of one that could not be started. `onCreated` is told the id before anything can fail to start. @throws as `runContainer` */
export async function runDetached(
  app: App,
  o: RunOptions & { readonly onCreated?: ((id: string) => Promise<void>) | undefined },
): Promise<ExitStatus | undefined> {
  const { id } = await createFromImage(app, o);
  await o.onCreated?.(id);
  return superviseContainer(app, { id, runtime: o.runtime }, o);
}

async function superviseContainer(
  app: App,
  { id, runtime }: Pick<Container, 'id' | 'runtime'>,
  o: Pick<RunOptions, 'onWarning'>,
  again = false,
): Promise<ExitStatus | undefined> {
  const { startSupervisor } = await import('../containers/start-supervisor.ts');
  const { settings } = app;
  const order = { id, storeFolder: settings.storeFolder, runtime: runtime ?? settings.runtime, again };
  return startSupervisor(order, { ...o, environment: settings.childEnvironment });
}

/** Leaves a container that has ended here, and is to be started again, to a process of its own. */
async function handOver(
  app: App,
  { records }: ContainerTools,
  { id, restart, runtime }: Container,
  o: Pick<RunOptions, 'onWarning'>,
): Promise<void> {
  if (restart !== undefined && records.get(id)?.state.kind === 'restarting')
    await superviseContainer(app, { id, runtime }, o, true);
}

/** Makes a container of the image, pulled if need be, and starts nothing. @throws as `runContainer` */
export async function createFromImage(app: App, asked: RunOptions): Promise<Container> {
  const o = withFiles(asked);
  const read = readOptions(app, o);
  const found = await findOrPull(app, o.image, o.pull ?? {});
  o.onPulled?.();
  const { createContainer } = await import('./containers.ts');
  const { image } = found;
  return createContainer(app, found, finishRequest(app, image, requestOf(app, image, o), o, read));
}

export interface StartOptions extends Pick<RunOptions, 'interactive' | 'signal' | 'onStart' | 'onWarning'> {
  /** Standard input is a terminal. */
  readonly hasTerminal: boolean;
}

/** Runs a container's program again, over what it wrote before, on this process's own stdio; how it ended. @throws RUN_NO_TERMINAL, CONTAINER_…, RUNTIME_… */
export async function startContainer(app: App, name: string, o: StartOptions): Promise<ExitStatus> {
  const [{ lookUpContainer, openContainers }, containers] = await Promise.all([
    import('./containers.ts'),
    import('../containers/run-container.ts'),
  ]);
  const { records } = await openContainers(app);
  const container = await lookUpContainer(records, name);
  if (container.process.tty && !o.hasTerminal) throw runError('RUN_NO_TERMINAL', { name });
  const keeper = await app.keeper(container.runtime);
  let isLast = false;
  o.onStart?.((signal, isHeard) => {
    isLast ||= isLastWord(signal, container.config);
    if (!isHeard) keeper.pass?.(signal);
  });
  const interactive = o.interactive && container.interactive;
  const tools = await openContainers(app, container.runtime);
  const { signal, onWarning } = o;
  const how = { signal, interactive, onWarning, isLast: () => isLast };
  const exit = await containers.runContainer(tools, container, how);
  await handOver(app, tools, container, o);
  return exit;
}

/** Runs a container's program again without this process; nothing happens if it runs. @throws CONTAINER_NOT_STARTED, CONTAINER_…, RUNTIME_… */
export async function startInBackground(
  app: App,
  name: string,
  o: Pick<RunOptions, 'onWarning'> = {},
): Promise<void> {
  const [{ lookUpContainer, openContainers }, { containerError }] = await Promise.all([
    import('./containers.ts'),
    import('../containers/errors.ts'),
  ]);
  const { records } = await openContainers(app);
  const container = await lookUpContainer(records, name);
  if (container.state.kind === 'running' || container.state.kind === 'restarting') return;
  const exit = await superviseContainer(app, container, o);
  if (exit?.refused !== undefined)
    throw containerError('CONTAINER_NOT_STARTED', { name, problem: exit.refused });
}

/** What the options and the image come to. @throws RUN_NO_COMMAND, RUN_VOLUME, RUN_NETWORK, RUN_PORT… */
export function requestOf(app: App, image: Image, o: RunOptions): ContainerRequest {
  const { OnBuild: _, ...own } = image.config.config ?? {};
  const entrypoint =
    o.entrypoint === undefined ? (own.Entrypoint ?? []) : o.entrypoint === '' ? [] : [o.entrypoint];
  const inherited = o.entrypoint === undefined ? (own.Cmd ?? []) : [];
  const command = o.command.length > 0 ? o.command : inherited;
  const args = [...entrypoint, ...command];
  if (args.length === 0) throw runError('RUN_NO_COMMAND', { image: o.image });
  const env = mergeEnv(own.Env ?? [], o.env, app.settings.environment);
  const cwd = o.workdir ?? (own.WorkingDir || '/');
  const user = o.user ?? own.User ?? '';
  const labels = { ...own.Labels, ...Object.fromEntries((o.labels ?? []).map(parseLabel)) };
  const chosen = chooseNetwork(o, Object.keys(own.ExposedPorts ?? {}));
  const { exposed } = chosen;
  if (chosen.warning !== undefined) o.onWarning?.(chosen.warning);
  const config: ContainerConfig = {
    ...own,
    ...(user !== '' && { User: user }),
    ...(env.length > 0 && { Env: env }),
    ...(o.workdir !== undefined && { WorkingDir: o.workdir }),
    ...(entrypoint.length > 0 || own.Entrypoint !== undefined ? { Entrypoint: entrypoint } : {}),
    ...(command.length > 0 || own.Cmd !== undefined ? { Cmd: command } : {}),
    ...(Object.keys(labels).length > 0 && { Labels: labels }),
    ...(exposed.length > 0 && { ExposedPorts: Object.fromEntries(exposed.map((port) => [port, {}])) }),
  };
  const { hostname, tty, interactive, name, runtime } = o;
  return {
    imageName: o.image,
    name,
    config,
    process: { args, env, cwd, user, network: chosen.process, hostname, tty, binds: [] },
    network: chosen.network,
    interactive,
    autoRemove: o.remove,
    restart: readRestartPolicy(o.restart, o.remove),
    runtime,
  };
}

const parseLabel = (text: string): [string, string] => {
  const [name = ''] = text.split('=', 1);
  return [name, text.slice(name.length + 1)];
};

/** The image's variables with the given ones over them; a name without a value takes the caller's, or is left out. */
export function mergeEnv(
  base: readonly string[],
  given: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): string[] {
  const merged = new Map(base.map((entry) => [nameOf(entry), entry]));
  for (const entry of given) {
    const name = nameOf(entry);
    if (entry.includes('=')) merged.set(name, entry);
    else if (environment[name] !== undefined) merged.set(name, `${name}=${environment[name]}`);
    else merged.delete(name);
  }
  return [...merged.values()];
}

const nameOf = (entry: string): string => entry.split('=', 1)[0]!;
