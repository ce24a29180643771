import { accessSync, constants } from 'node:fs';
import { basename } from 'node:path';
import { findProgram } from '../base/find-program.ts';
import { KNOWN_RUNTIMES, type KnownRuntime } from '../runtime/known-runtimes.ts';
import { readVersion, versionIn } from '../runtime/runtime-version.ts';
import type { ExecutorUse } from '../runtime/types.ts';
import type { App } from './app.ts';

/** A runtime as it is found here. */
export interface RuntimeFacts {
  readonly name: string;
  readonly isolation: string;
  /** `works`: a container ran with it just now, or before with the same program and kernel. */
  readonly state: 'works' | 'does not work' | 'not installed' | 'no runtime';
  readonly version: string;
  /** The program; empty if there is none. */
  readonly path: string;
  /** Why it does not work, what it lacks here, or what the person should know of it. */
  readonly detail: string;
  /** What runs containers and the steps of builds when no `--runtime` is given. */
  readonly isDefault: boolean;
  /** What runs containers with limits or a terminal then. */
  readonly runsFull: boolean;
  /** Suites of this project run it. */
  readonly tested: boolean;
}

/** Where distributions put runtimes, which the PATH of an ordinary user often lacks. */
const SYSTEM_FOLDERS = '/usr/local/sbin:/usr/sbin:/sbin';

/** The runtimes that people know, or those of these names and paths, each tried out by running a container. */
export async function listRuntimes(app: App, wanted: readonly string[]): Promise<readonly RuntimeFacts[]> {
  const choose = async (use: ExecutorUse): Promise<string | undefined> =>
    app
      .keeper()
      .then((keeper) => keeper.executor(use))
      .then(({ name }) => name)
      .catch(() => undefined);
  const chosen = { plain: await choose('plain'), full: await choose('full') };
  const names = wanted.length > 0 ? wanted : KNOWN_RUNTIMES.map(({ name }) => name);
  const found: RuntimeFacts[] = [];
  // One after the other: each is a process of its own that takes all of a small machine.
  for (const name of names) found.push(await look(app, name, chosen));
  return found;
}

async function look(
  app: App,
  name: string,
  chosen: Readonly<Record<ExecutorUse, string | undefined>>,
): Promise<RuntimeFacts> {
  const path = `${app.settings.environment.PATH ?? '/usr/local/bin:/usr/bin:/bin'}:${SYSTEM_FOLDERS}`;
  const program = OWN.has(name) ? undefined : findProgram(name, path);
  const said = program === undefined ? undefined : await readVersion(program, path);
  const known =
    KNOWN_RUNTIMES.find((each) => each.name === name) ??
    KNOWN_RUNTIMES.find(({ says }) => said !== undefined && says?.test(said) === true) ??
    unknownRuntime(name);
  const facts = {
    name,
    isolation: known.isolation,
    version: said === undefined ? '' : versionIn(said),
    path: program ?? '',
    isDefault: chosen.plain === name,
    runsFull: chosen.full === name,
    tested: known.tested,
  };
  const missing = lacks(known);
  const withNeeds = (text: string): string => [text, ...missing].filter((each) => each !== '').join('; ');
  if (program === undefined && !OWN.has(name))
    return { ...facts, state: known.takesBundles ? 'not installed' : 'no runtime', detail: withNeeds('') };
  if (!known.takesBundles) return { ...facts, state: 'no runtime', detail: withNeeds('') };
  if (known.says !== undefined && (said === undefined || !known.says.test(said))) {
    const instead = said === undefined ? 'nothing' : JSON.stringify(said.split('\n')[0]);
    return {
      ...facts,
      state: 'does not work',
      detail: withNeeds(`${program} is not ${known.name}: it says ${instead}`),
    };
  }
  try {
    const { detail } = await (await app.keeper(name)).executor();
    // The program has a column of its own.
    const told = detail.split('; ').filter((part) => part !== program);
    return { ...facts, state: 'works', detail: OWN.has(name) ? (known.needs ?? '') : told.join('; ') };
  } catch (error) {
    return {
      ...facts,
      state: 'does not work',
      detail: withNeeds(error instanceof Error ? error.message : String(error)),
    };
  }
}

/** Those without a program. */
const OWN: ReadonlySet<string> = new Set(['chroot', 'unisolated']);

function lacks({ device, needs }: KnownRuntime): string[] {
  return [
    ...(device === undefined || isUsable(device) ? [] : [`no ${device} here`]),
    ...(needs === undefined ? [] : [`needs ${needs}`.replace(/^needs (a monitor|no OCI)/, '$1')]),
  ];
}

function isUsable(device: string): boolean {
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const unknownRuntime = (name: string): KnownRuntime => ({
  name: basename(name),
  isolation: 'not known',
  takesBundles: true,
  tested: false,
});
