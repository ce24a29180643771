import { isDobosError } from '../base/errors.ts';
import type { ContainerRoot, ExitStatus, Keeper, Output, ProgramReach } from '../runtime/types.ts';
import { ownerId } from '../store/owner.ts';
import { type ConnectOptions, connectContainer } from './connect-container.ts';
import type { ContainerRecords } from './container-records.ts';
import type { ControlServer } from './control-server.ts';
import { containerError } from './errors.ts';
import { refuseHeld } from './hold-container.ts';
import { forgetContainer, type RemoveTools } from './remove-container.ts';
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
}

/**
 * Runs the container's process and notes how it ended; a container that removes itself is gone then. An abort kills it.
 * @throws CONTAINER_RUNNING, CONTAINER_REMOVING, RUNTIME_…, ROOTFS_…, the signal's reason
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
    refuseUnlessIdle(each);
    before = each.state;
    return { ...each, state: { kind: 'running', startedAt, owner: ownerId() } };
  });
  const settle = async (state: ContainerState): Promise<void> => {
    if (container.autoRemove) await forgetContainer(tools, container);
    else await noteEnd(records, id, state);
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
  if (state.kind === 'running') throw containerError('CONTAINER_RUNNING', { name, action: 'started' });
  if (state.kind === 'removing') throw containerError('CONTAINER_REMOVING', { name });
}

/** What never ran is still created, as docker has it; what ran once has ended. */
function notStarted(
  before: ContainerState,
  end: Omit<Extract<ContainerState, { kind: 'exited' }>, 'kind'>,
): ContainerState {
  if (before.kind === 'exited') return { kind: 'exited', ...end };
  return { kind: 'created', code: end.code, problem: end.problem };
}

/** Unless somebody has removed it meanwhile. */
async function noteEnd(records: ContainerRecords, id: string, state: ContainerState): Promise<void> {
  try {
    await records.change(id, (now) => (now.state.kind === 'removing' ? now : { ...now, state }));
  } catch (error) {
    if (!isDobosError(error, 'CONTAINER_UNKNOWN')) throw error;
  }
}
