import { isDobosError } from '../base/errors.ts';
import type { ContainerRoot, ExitStatus, Keeper, Output, ProgramReach } from '../runtime/types.ts';
import { ownerId } from '../store/owner.ts';
import { type ConnectOptions, connectContainer } from './connect-container.ts';
import type { ContainerRecords } from './container-records.ts';
import type { ControlServer } from './control-server.ts';
import { containerError } from './errors.ts';
import { refuseHeld } from './hold-container.ts';
import { forgetContainer, type RemoveTools } from './remove-container.ts';
import { nextRestart } from './restart-policy.ts';
import type { Container, ContainerState } from './types.ts';

export interface RunTools extends RemoveTools {
  readonly records: ContainerRecords;
  readonly keeper: () => Promise<Keeper>;
  readonly now: () => number;
}

/** Exit codes of what never came to run, and of what was given up: docker's own failure, 128 and SIGKILL. */
const OWN_FAILURE = 125;
const KILLED = 137;

export interface RunHow extends ConnectOptions {
  readonly interactive: boolean;
  /** Takes what it prints, and input is what is written to it; without this it has this process's own streams. */
  readonly onOutput?: ((output: Output) => void) | undefined;
  /** Told when the program runs and the container listens. */
  readonly onStarted?: (() => void) | undefined;
  /** It is this process that waited to start it again. */
  readonly again?: boolean | undefined;
  /** Asked at the end: whether it is not to be started again. */
  readonly isLast?: (() => boolean) | undefined;
}

/**
 * Runs the container's process and notes how it ended; a container that removes itself is gone then, one that is to be started again is `restarting`, and that is up to
 * this process. An abort kills it.
 * @throws CONTAINER_NOT_RUNNING if it is not to run again, CONTAINER_RUNNING, CONTAINER_REMOVING, RUNTIME_…, ROOTFS_…, the signal's reason
 */
export async function runContainer(
  tools: RunTools,
  { id }: Pick<Container, 'id'>,
  o: RunHow,
): Promise<ExitStatus> {
  const { records, now } = tools;
  const startedAt = now();
  let before: ContainerState = { kind: 'created' };
  const container = await records.change(id, (each) => {
    if (o.again === true) refuseUnlessOurs(each);
    else refuseUnlessIdle(each);
    before = each.state;
    const { restarts, ...now } = each;
    const kept = o.again === true && { restarts };
    return { ...now, ...kept, state: { kind: 'running', startedAt, owner: ownerId() } };
  });
  const settle = async (state: ContainerState, mayRestart = false): Promise<void> => {
    if (container.autoRemove) await forgetContainer(tools, container);
    else await noteEnd(records, id, state, mayRestart && o.isLast?.() !== true);
  };
  const folder = records.folderOf(id);
  let control: Promise<ControlServer | undefined> | undefined;
  let server: ControlServer | undefined;
  const listen = async (keeper: Keeper, program: ProgramReach): Promise<ControlServer | undefined> => {
    const { listenForControl } = await import('./control-server.ts');
    const own = o.onOutput === undefined ? undefined : program;
    // Who cannot listen, as on a full disk, runs all the same.
    server = await listenForControl({ keeper, folder, program: own }).catch(() => undefined);
    return server;
  };
  try {
    const keeper = await tools.keeper();
    const connected = await connectContainer(records, keeper, container, o);
    const { exit } = await keeper.run(
      {
        layers: container.image.layers,
        process: connected.process,
        io: o.onOutput === undefined ? 'inherit' : 'events',
        interactive: o.interactive,
        commit: false,
        place: { folder, keep: !container.autoRemove },
      },
      {
        signal: o.signal,
        onEvent: (output) => {
          o.onOutput?.(output);
          server?.show(output);
        },
        onStarted: (program) => {
          control = listen(keeper, program);
          void control.then(() => o.onStarted?.());
        },
      },
    );
    await connected.close();
    const { code, refused } = exit;
    // Before the end is written: then the container may be started again.
    (await control)?.stop();
    await settle(
      refused === undefined
        ? { kind: 'exited', startedAt, finishedAt: now(), code }
        : notStarted(before, { startedAt, finishedAt: now(), code, problem: refused }),
      refused === undefined,
    );
    await server?.close(exit);
    return exit;
  } catch (error) {
    (await control)?.stop();
    const problem = error instanceof Error ? error.message : String(error);
    const ended = { startedAt, finishedAt: now(), problem };
    const wasRunning = o.signal?.aborted === true || isDobosError(error, 'RUNTIME_KEEPER_GONE');
    await settle(
      wasRunning
        ? { kind: 'exited', ...ended, code: KILLED }
        : notStarted(before, { ...ended, code: OWN_FAILURE }),
    );
    await server?.close({ code: wasRunning ? KILLED : OWN_FAILURE });
    throw error;
  }
}

/** The container's root, for who looks at it from outside. */
export const rootOfContainer = (
  records: ContainerRecords,
  { id, image, state }: Container,
): ContainerRoot => ({
  layers: image.layers,
  folder: records.folderOf(id),
  running: state.kind === 'running',
});

function refuseUnlessIdle(container: Container): void {
  const { name, state } = container;
  refuseHeld(container);
  if (state.kind === 'running' || state.kind === 'restarting')
    throw containerError('CONTAINER_RUNNING', { name, action: 'started' });
  if (state.kind === 'removing') throw containerError('CONTAINER_REMOVING', { name });
}

function refuseUnlessOurs(container: Container): void {
  const { name, state } = container;
  if (!isOurs(container)) throw containerError('CONTAINER_NOT_RUNNING', { name, state: state.kind });
  refuseHeld(container);
}

/** Whether it is this process that is to start the container again. */
export const isOurs = ({ state }: Pick<Container, 'state'>): boolean =>
  state.kind === 'restarting' && state.owner === ownerId();

/** What never ran is still created, as docker has it; what ran once has ended. */
function notStarted(
  before: ContainerState,
  end: Omit<Extract<ContainerState, { kind: 'exited' }>, 'kind'>,
): ContainerState {
  if (before.kind !== 'created') return { kind: 'exited', ...end };
  return { kind: 'created', code: end.code, problem: end.problem };
}

/** Unless somebody has removed it meanwhile. What is to be started again is not seen as exited in between. */
async function noteEnd(
  records: ContainerRecords,
  id: string,
  state: ContainerState,
  mayRestart: boolean,
): Promise<void> {
  try {
    await records.change(id, (now) => {
      if (now.state.kind === 'removing') return now;
      const { restart } = now;
      const isWanted = mayRestart && !(now.state.kind === 'running' && now.state.last === true);
      if (!isWanted || restart === undefined || state.kind !== 'exited') return { ...now, state };
      const { code, startedAt, finishedAt } = state;
      const restarts = nextRestart(restart, { code, ranMs: finishedAt - startedAt }, now.restarts);
      if (restarts === undefined) return { ...now, state };
      return {
        ...now,
        restarts,
        state: { kind: 'restarting', startedAt, finishedAt, code, owner: ownerId() },
      };
    });
  } catch (error) {
    if (!isDobosError(error, 'CONTAINER_UNKNOWN')) throw error;
  }
}
