import { realpathSync, statSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { errorMaker } from '../base/errors.ts';
import type { Image } from '../image/types.ts';
import type { BindMount, ExitStatus, Process, RunRequest } from '../runtime/types.ts';
import type { App } from './app.ts';
import { type FindOrPullOptions, findOrPull } from './find-or-pull.ts';

type RunErrors = {
  RUN_NO_COMMAND: { image: string };
  RUN_VOLUME: { volume: string; problem: string };
};
const runError = errorMaker<RunErrors>({
  RUN_NO_COMMAND: ({ image }) => ({
    message: `${image} has neither ENTRYPOINT nor CMD, and no command was given`,
    hint: `name a program after the image: dobos run ${image} /bin/sh`,
  }),
  RUN_VOLUME: ({ volume, problem }) => ({
    message: `volume "${volume}": ${problem}`,
    hint: 'a host folder and a container path, both absolute: -v /host/folder:/inside[:ro]',
  }),
});

export interface RunOptions {
  readonly image: string;
  /** Replaces the image's CMD when not empty. */
  readonly command: readonly string[];
  readonly entrypoint?: string | undefined;
  readonly env: readonly string[];
  readonly workdir?: string | undefined;
  readonly user?: string | undefined;
  readonly volumes: readonly string[];
  readonly network: 'host' | 'none';
  readonly hostname?: string | undefined;
  readonly interactive: boolean;
  readonly tty: boolean;
  readonly runtime?: string | undefined;
  /** Whether and how the image is pulled; its signal ends the pull only. */
  readonly pull?: FindOrPullOptions | undefined;
  /** Told when the image is here. */
  readonly onPulled?: (() => void) | undefined;
  /** Kills the container. */
  readonly signal?: AbortSignal | undefined;
  /** Told how to pass signals to the program, before it starts. */
  readonly onStart?: ((pass: (signal: NodeJS.Signals) => void) => void) | undefined;
}

/** Runs a program in a container of the image, on this process's own stdio, and removes the container; how it ended. @throws RUN_NO_COMMAND, RUN_VOLUME, RUNTIME_…, and as `findOrPull` */
export async function runContainer(app: App, o: RunOptions): Promise<ExitStatus> {
  const { image } = await findOrPull(app, o.image, o.pull ?? {});
  o.onPulled?.();
  const keeper = await app.keeper(o.runtime);
  o.onStart?.((signal) => keeper.pass?.(signal));
  const request: RunRequest = {
    layers: image.layers.map(({ blob, diffId }) => ({ blob, diffId })),
    process: processOf(app, image, o),
    io: 'inherit',
    interactive: o.interactive,
    commit: false,
  };
  return (await keeper.run(request, { signal: o.signal })).exit;
}

function processOf(app: App, image: Image, o: RunOptions): Process {
  const { config = {} } = image.config;
  const entrypoint =
    o.entrypoint === undefined ? (config.Entrypoint ?? []) : o.entrypoint === '' ? [] : [o.entrypoint];
  const inherited = o.entrypoint === undefined ? (config.Cmd ?? []) : [];
  const args = [...entrypoint, ...(o.command.length > 0 ? o.command : inherited)];
  if (args.length === 0) throw runError('RUN_NO_COMMAND', { image: o.image });
  return {
    args,
    env: mergeEnv(config.Env ?? [], o.env, app.settings.environment),
    cwd: o.workdir ?? (config.WorkingDir || '/'),
    user: o.user ?? config.User ?? '',
    network: o.network,
    hostname: o.hostname ?? 'dobos',
    tty: o.tty,
    binds: o.volumes.map(parseVolume),
  };
}

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

/** `/host:/inside[:ro|rw]`. @throws RUN_VOLUME */
export function parseVolume(volume: string): BindMount {
  const [source, target, mode = 'rw', ...rest] = volume.split(':');
  const problem =
    source === undefined || target === undefined || rest.length > 0
      ? 'want HOST:CONTAINER[:ro|rw]'
      : !isAbsolute(source)
        ? `"${source}" is not an absolute path (named volumes come in a later version)`
        : !target.startsWith('/')
          ? `"${target}" is not an absolute path`
          : target === '/'
            ? 'the container path is the root itself'
            : mode !== 'ro' && mode !== 'rw'
              ? `unknown mode "${mode}"`
              : undefined;
  if (problem !== undefined) throw runError('RUN_VOLUME', { volume, problem });
  try {
    statSync(source!);
  } catch {
    throw runError('RUN_VOLUME', { volume, problem: `${source} does not exist` });
  }
  return { source: realpathSync(source!), target: target!, readOnly: mode === 'ro' };
}
