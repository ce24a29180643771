import { findProgram } from '../base/find-program.ts';
import { createChrootExecutor } from './chroot-executor.ts';
import { runtimeError } from './errors.ts';
import { helperEnv, ociExecutor, type TrialOptions, tryRuntime } from './try-runtime.ts';
import type { Executor, ExecutorUse } from './types.ts';
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

export interface ChooseOptions extends TrialOptions {
  /** `auto`, `chroot`, or a runtime's name or path. */
  readonly runtime: string;
  readonly use: ExecutorUse;
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
    const trial = await tryRuntime(o, { name, program });
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
  const trial = await tryRuntime(o, { name: o.runtime, program });
  if ('problem' in trial)
    throw runtimeError('RUNTIME_FAILED', { runtime: o.runtime, message: trial.problem });
  return chosen(o, o.runtime, program, trial, []);
}

/** A trial that succeeded. */
type Works = Exclude<Awaited<ReturnType<typeof tryRuntime>>, { readonly problem: string }>;

const chosen = (
  o: ChooseOptions,
  name: string,
  program: string,
  trial: Works,
  problems: readonly string[],
): ExecutorChoice => ({
  executor: ociExecutor(o, { name, program }, trial),
  program,
  detail: detailOf(program, trial, problems),
});

function detailOf(program: string, trial: Works, problems: readonly string[]): string {
  const limits = [...(trial.seccomp ? [] : ['no seccomp filter']), ...(trial.opensDevices ? [OPEN] : [])];
  return [program, ...limits, ...problems].join('; ');
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
