import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { builtProcess } from '../base/pool.ts';
import { whyNoNamespaces } from './missing-rights.ts';

/** A keeper's process that has just been started and has heard nothing yet. */
export interface SpawnedKeeper {
  readonly command: readonly string[];
  readonly child: ChildProcess;
}

const WORKER = new URL('./keeper-worker.ts', import.meta.url);
const PROGRAM = fileURLToPath(builtProcess(WORKER));
/** The keeper without namespaces. */
export const bareCommand = (): readonly string[] => [process.execPath, PROGRAM];

/** How a keeper in namespaces of its own is started, the best way first. None where trying is useless: why is added to the problems. */
export function isolatedCommands(
  uid: number,
  runtime: string,
  problems: string[],
): readonly (readonly string[])[] {
  const refused =
    runtime === 'unisolated' ? '--runtime unisolated' : uid === 0 ? whyNoNamespaces() : undefined;
  if (refused !== undefined) {
    problems.push(refused);
    return [];
  }
  // The cgroup namespace only lets it mount an empty cgroup tree (keeper-namespace.ts).
  const user = ['--user', '--map-root-user', '--cgroup'];
  return (uid === 0 ? [[]] : [[...user, MAPS], user]).map(isolatedCommand);
}

/**
 * With `--map-auto` unshare has a helper that writes the ids; killed before it has told the helper to, it leaves that waiting for ever, with our streams open.
 * So nothing kills it there before the keeper is up, which ends when it finds its client gone.
 */
const MAPS = '--map-auto';

/** Whether a process started so may be killed before it is up. */
export const mayBeKilled = (command: readonly string[]): boolean => !command.includes(MAPS);

const isolatedCommand = (namespaces: readonly string[]): readonly string[] => [
  ...(namespaces.includes(MAPS) ? [] : ['setpriv', '--pdeathsig', 'KILL', '--']),
  ...['unshare', ...namespaces],
  ...['--mount', '--propagation', 'unchanged', '--pid', '--fork', '--kill-child=KILL', '--'],
  ...bareCommand(),
];

/** Starts a keeper's process; `extra` are its streams from CHANNEL_FD on. */
export function spawnKeeper(
  command: readonly string[],
  environment: Readonly<Record<string, string | undefined>> | undefined,
  extra: readonly ('pipe' | 'ignore' | number)[] = [],
): SpawnedKeeper {
  const [program = '', ...args] = command;
  const child = spawn(
    program,
    args,
    // Its own words are for us: the person's standard error is passed on beside it.
    {
      stdio: ['inherit', 'inherit', 'pipe', 'ipc', 2, ...extra],
      serialization: 'advanced',
      ...(environment !== undefined && { env: { ...environment } }),
    },
  );
  return { command, child };
}

/** While not referred to, the process keeps this one from ending no longer. */
export function refer(child: ChildProcess, on: boolean): void {
  const how = on ? 'ref' : 'unref';
  child[how]();
  child.channel?.[how]();
  (child.stderr as unknown as { ref(): void; unref(): void } | null)?.[how]();
}
