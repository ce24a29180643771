import { readFileSync, statSync } from 'node:fs';
import { sha256 } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import { findProgram } from '../base/find-program.ts';
import type { Notes } from '../store/contract.ts';
import { createChrootExecutor } from './chroot-executor.ts';
import { runtimeError } from './errors.ts';
import type { RootShutter } from './oci-config.ts';
import { createOciExecutor } from './oci-executor.ts';
import { readOwnNamespace } from './own-namespace.ts';
import { PROBE_DEVICES_OPEN, probeProgram } from './probe-program.ts';
import type { RuntimePlace } from './runtime-place.ts';
import type { Executor, ExecutorUse, Process } from './types.ts';
import { createUnisolatedExecutor } from './unisolated-executor.ts';

export interface ExecutorChoice {
  readonly executor: Executor;
  /** Absolute path of the OCI runtime; undefined for what runs without one. */
  readonly program?: string | undefined;
  /** One line: which program, and why not those before it. */
  readonly detail: string;
  /** What the person should know before something runs with it. */
  readonly warning?: string | undefined;
}

export interface ChooseOptions {
  /** `auto`, `chroot`, or a runtime's name or path. */
  readonly runtime: string;
  readonly use: ExecutorUse;
  /** The value of PATH. */
  readonly searchPath: string;
  readonly notes: Pick<Notes, 'get' | 'put'>;
  /** Where runtimes are started from; the keeper's when absent. */
  readonly place?: RuntimePlace | undefined;
  /** Calls `use` with an empty root and takes the root away afterwards. */
  readonly withEmptyRoot: <T>(
    use: (root: { readonly folder: string; readonly merged: string }) => Promise<T>,
  ) => Promise<T>;
}

/** In this order: what starts in half the time; for limits what sets them on every machine (crun 1.8 does not where both versions of cgroups are mounted), and for terminals what loses none of their output. */
const CANDIDATES: Readonly<Record<ExecutorUse, readonly string[]>> = {
  plain: ['crun', 'runc', 'youki', 'runsc'],
  full: ['runc', 'crun', 'youki', 'runsc'],
};

/**
 * The executor that the person named, or with `auto` the first OCI runtime that works here, else `chroot`. A runtime is tried out by running a container that needs
 * nothing (once: the store remembers it).
 * @throws RUNTIME_UNKNOWN, RUNTIME_FAILED for a named runtime that does not work, RUNTIME_PROGRAM_MISSING
 */
export async function chooseExecutor(o: ChooseOptions): Promise<ExecutorChoice> {
  if (o.runtime === 'chroot') return chroot(o, 'asked for');
  if (o.runtime !== 'auto') return named(o);
  const problems: string[] = [];
  for (const name of CANDIDATES[o.use]) {
    const program = findProgram(name, o.searchPath);
    if (program === undefined) continue;
    const trial = await remembered(o, name, program);
    if ('problem' in trial) problems.push(`${name} does not work here: ${trial.problem}`);
    // Root in a container could read the host's disks; for that a runtime must be named.
    else if (trial.opensDevices) problems.push(`${name} ${OPEN}`);
    else return chosen(o, name, program, trial, problems);
  }
  if (problems.length === 0) problems.push('no OCI runtime in PATH');
  return chroot(o, problems.join('; '));
}

const OPEN = 'lets containers open device files of their image';

async function named(o: ChooseOptions): Promise<ExecutorChoice> {
  const program = findProgram(o.runtime, o.searchPath);
  if (program === undefined) throw runtimeError('RUNTIME_UNKNOWN', { runtime: o.runtime });
  const trial = await remembered(o, o.runtime, program);
  if ('problem' in trial)
    throw runtimeError('RUNTIME_FAILED', { runtime: o.runtime, message: trial.problem });
  return chosen(o, o.runtime, program, trial, []);
}

const chosen = (
  o: ChooseOptions,
  name: string,
  program: string,
  trial: Success,
  problems: readonly string[],
): ExecutorChoice => ({
  executor: oci(o, name, program, trial),
  program,
  detail: detailOf(program, trial, problems),
});

function detailOf(program: string, trial: Success, problems: readonly string[]): string {
  const limits = [...(trial.seccomp ? [] : ['no seccomp filter']), ...(trial.opensDevices ? [OPEN] : [])];
  return [program, ...limits, ...problems].join('; ');
}

function oci(o: ChooseOptions, name: string, program: string, trial: Success): Executor {
  const { seccomp, opensDevices, isShut } = trial;
  const shutBy = isShut ? shutterOf(o) : undefined;
  return createOciExecutor({ name, program, env: helperEnv(o), seccomp, opensDevices, shutBy }, o.place);
}

/** Undefined where one of its programs is missing. */
function shutterOf({ searchPath }: ChooseOptions): RootShutter | undefined {
  const sh = findProgram('sh', searchPath);
  const mount = findProgram('mount', searchPath);
  return sh === undefined || mount === undefined ? undefined : { sh, mount };
}

function chroot(o: ChooseOptions, why: string): ExecutorChoice {
  const unshare = findProgram('unshare', o.searchPath);
  if (unshare === undefined) throw runtimeError('RUNTIME_PROGRAM_MISSING', { program: 'unshare' });
  const executor = createChrootExecutor({ unshare, env: helperEnv(o) });
  return { executor, detail: `no seccomp filter; ${why}` };
}

/** The only executor where there are no namespaces, for the reason `why`. */
export function chooseUnisolated(why: string): ExecutorChoice {
  return {
    executor: createUnisolatedExecutor(why),
    detail: `no namespaces, no mounts, no /proc; ${why}`,
    warning: `not isolated: what runs here sees the processes and the network around it, and no /proc (${why})`,
  };
}

const helperEnv = (o: ChooseOptions): Readonly<Record<string, string>> => ({
  PATH: o.searchPath,
  LC_ALL: 'C',
});

interface Success {
  readonly seccomp: boolean;
  readonly opensDevices: boolean;
  /** It takes the flag off the root that keeps device files shut, and may be told to put it on again. */
  readonly isShut: boolean;
}
type Trial = Success | { readonly problem: string };

async function tryOut(o: ChooseOptions, name: string, program: string): Promise<Trial> {
  const first = await tryWith(o, name, program, { seccomp: true, isShut: false });
  const plain =
    'problem' in first && /seccomp/i.test(first.problem)
      ? await tryWith(o, name, program, { seccomp: false, isShut: false })
      : first;
  if ('problem' in plain || !plain.opensDevices || shutterOf(o) === undefined) return plain;
  const shut = await tryWith(o, name, program, { seccomp: plain.seccomp, isShut: true });
  return 'problem' in shut || shut.opensDevices ? plain : shut;
}

async function tryWith(
  o: ChooseOptions,
  name: string,
  program: string,
  how: Pick<Success, 'seccomp' | 'isShut'>,
): Promise<Trial> {
  const probe = probeProgram(process.arch);
  if (probe === undefined) return { ...how, opensDevices: true };
  const executor = oci(o, name, program, { ...how, opensDevices: false });
  try {
    const { code } = await o.withEmptyRoot(async (root) => {
      probe.writeInto(root.merged);
      return executor.run(root, { ...PROBE, args: [probe.path] }, { stdin: 'null', output: 'events' });
    });
    if (code === 0 || code === PROBE_DEVICES_OPEN) return { ...how, opensDevices: code !== 0 };
    return { problem: `a trivial container ends with ${code}` };
  } catch (error) {
    if (isDobosError(error, 'RUNTIME_FAILED')) return { problem: String(error.facts.message) };
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

const PROBE: Omit<Process, 'args'> = {
  env: [],
  cwd: '/',
  user: '',
  network: 'host',
  hostname: 'probe',
  tty: false,
  binds: [],
};

/** What an earlier process found out about the same programs, kernel and rights; only success is remembered, so that a repaired machine is noticed. */
async function remembered(o: ChooseOptions, name: string, program: string): Promise<Trial> {
  const key = sha256(JSON.stringify(circumstances(o, program))).slice('sha256:'.length);
  const known = parseTrial((await o.notes.get(NOTE, key))?.toString('utf8'));
  if (known !== undefined) return known;
  const trial = await tryOut(o, name, program);
  // A store that cannot be written to does not stop a run: it is tried out again.
  if (!('problem' in trial)) await o.notes.put(NOTE, key, Buffer.from(JSON.stringify(trial))).catch(() => {});
  return trial;
}

function parseTrial(text: string | undefined): Success | undefined {
  try {
    const { seccomp, opensDevices, isShut } = JSON.parse(text ?? '') as Partial<Success>;
    return typeof seccomp === 'boolean' && typeof opensDevices === 'boolean' && typeof isShut === 'boolean'
      ? { seccomp, opensDevices, isShut }
      : undefined;
  } catch {
    return undefined;
  }
}

const NOTE = 'runtime';

function circumstances(o: ChooseOptions, program: string): unknown {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1');
  // What shuts the root belongs to the trial: nobody may go by one that was made with another `mount`.
  const programs = [program, ...Object.values(shutterOf(o) ?? {})].map((path) => {
    const { mtimeMs, size, ino } = statSync(path);
    return [path, mtimeMs, size, ino];
  });
  const { isUserNamespace } = readOwnNamespace();
  return [programs, boot, process.getuid?.(), isUserNamespace, o.place?.name ?? 'keeper'];
}
