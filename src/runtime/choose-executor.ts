import { readFileSync, statSync } from 'node:fs';
import { sha256 } from '../base/bytes.ts';
import type { Notes } from '../store/contract.ts';
import { createChrootExecutor } from './chroot-executor.ts';
import { runtimeError } from './errors.ts';
import { findProgram } from './find-program.ts';
import { createOciExecutor } from './oci-executor.ts';
import { readOwnNamespace } from './own-namespace.ts';
import { PROBE_DEVICES_OPEN, probeProgram } from './probe-program.ts';
import type { Executor, Process } from './types.ts';

export interface ExecutorChoice {
  readonly executor: Executor;
  /** One line: which program, and why not those before it. */
  readonly detail: string;
}

export interface ChooseOptions {
  /** `auto`, `chroot`, or a runtime's name or path. */
  readonly runtime: string;
  /** The value of PATH. */
  readonly searchPath: string;
  readonly notes: Pick<Notes, 'get' | 'put'>;
  /** Calls `use` with an empty root and takes the root away afterwards. */
  readonly withEmptyRoot: <T>(
    use: (root: { readonly folder: string; readonly merged: string }) => Promise<T>,
  ) => Promise<T>;
}

/** In this order, by experience: what most people have and test with comes first. */
const CANDIDATES = ['runc', 'crun', 'youki', 'runsc'];

/** The executor that the person named, or with `auto` the first OCI runtime that really runs a container here (tried once, remembered in the store), else `chroot`. @throws RUNTIME_UNKNOWN, RUNTIME_PROGRAM_MISSING */
export async function chooseExecutor(o: ChooseOptions): Promise<ExecutorChoice> {
  if (o.runtime === 'chroot') return chroot(o, 'asked for');
  if (o.runtime !== 'auto') {
    const program = findProgram(o.runtime, o.searchPath);
    if (program === undefined) throw runtimeError('RUNTIME_UNKNOWN', { runtime: o.runtime });
    return { executor: oci(o.runtime, program, o), detail: program };
  }
  const problems: string[] = [];
  for (const name of CANDIDATES) {
    const program = findProgram(name, o.searchPath);
    if (program === undefined) continue;
    const executor = oci(name, program, o);
    const problem = await remembered(o, program, () => tryOut(executor, o));
    if (problem === '') return { executor, detail: [program, ...problems].join('; ') };
    problems.push(`${name} does not work here: ${problem}`);
  }
  if (problems.length === 0) problems.push('no OCI runtime in PATH');
  return chroot(o, problems.join('; '));
}

function oci(name: string, program: string, o: ChooseOptions): Executor {
  return createOciExecutor({ name, program, env: helperEnv(o), seccomp: true });
}

function chroot(o: ChooseOptions, why: string): ExecutorChoice {
  const unshare = findProgram('unshare', o.searchPath);
  if (unshare === undefined) throw runtimeError('RUNTIME_PROGRAM_MISSING', { program: 'unshare' });
  const executor = createChrootExecutor({ unshare, env: helperEnv(o) });
  return { executor, detail: `no seccomp filter; ${why}` };
}

const helperEnv = (o: ChooseOptions): Readonly<Record<string, string>> => ({
  PATH: o.searchPath,
  LC_ALL: 'C',
});

/** Why the runtime cannot run a container here, '' if it can. */
async function tryOut(executor: Executor, o: ChooseOptions): Promise<string> {
  const program = probeProgram(process.arch);
  if (program === undefined) return '';
  try {
    const { code } = await o.withEmptyRoot(async (root) => {
      program.writeInto(root.merged);
      return executor.run(root, { ...PROBE, args: [program.path] }, { stdin: 'null', output: 'events' });
    });
    if (code === PROBE_DEVICES_OPEN) return 'device files of an image can be opened in its containers';
    return code === 0 ? '' : `a trivial container ends with ${code}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
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

/** The verdict of an earlier process on the same program, kernel and rights; only success is remembered, so that a repaired machine is noticed. */
async function remembered(o: ChooseOptions, program: string, judge: () => Promise<string>): Promise<string> {
  const key = sha256(JSON.stringify(circumstances(program))).slice('sha256:'.length);
  if ((await o.notes.get(NOTE, key)) !== undefined) return '';
  const problem = await judge();
  if (problem === '') await o.notes.put(NOTE, key, Buffer.from(`${program}\n`)).catch(() => undefined);
  return problem;
}

const NOTE = 'runtime';

function circumstances(program: string): unknown {
  const { mtimeMs, size, ino } = statSync(program);
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1');
  return [program, mtimeMs, size, ino, boot, process.getuid?.(), readOwnNamespace().isUserNamespace];
}
