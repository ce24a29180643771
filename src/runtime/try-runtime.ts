/**
 * Finds out what an OCI runtime does on this machine by running a container that needs nothing, once: the store remembers it.
 * @module
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../base/bytes.ts';
import { isDobosError } from '../base/errors.ts';
import { findProgram } from '../base/find-program.ts';
import type { Notes } from '../store/contract.ts';
import { capabilitiesOf } from './capabilities.ts';
import { type CompiledFilter, parseCompiledFilter, readCompiledFilter } from './compiled-filter.ts';
import { isCrun } from './known-runtimes.ts';
import type { CopyHook, RootShutter } from './oci-config.ts';
import { createOciExecutor, type OciRuntime } from './oci-executor.ts';
import { readOwnNamespace } from './own-namespace.ts';
import { PROBE_DEVICES_OPEN, probeProgram } from './probe-program.ts';
import type { RuntimePlace } from './runtime-place.ts';
import { seccompFilter } from './seccomp.ts';
import type { Executor, Process } from './types.ts';

export interface TrialOptions {
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

type TriedRuntime = Pick<OciRuntime, 'name' | 'program'>;

/** How it is made to keep device files of the root shut: by itself, by a mount in its config.json, by a program that it runs. */
type Shut = 'itself' | 'remount' | 'hook';

/** A runtime that works. */
export interface Success {
  readonly seccomp: boolean;
  readonly opensDevices: boolean;
  readonly shut: Shut;
  /** The filter of containers that ask for nothing special. */
  readonly compiled?: CompiledFilter | undefined;
}

export type Trial = Success | { readonly problem: string };

/** Paths of programs that may be needed beside the runtime. */
type Helpers = Pick<RootShutter, 'sh' | 'mount'>;

/** The executor that does as the trial showed. */
export function ociExecutor(
  o: TrialOptions,
  { name, program }: TriedRuntime,
  how: Success & Pick<OciRuntime, 'copiesFilter'> & { readonly helpers: Helpers | undefined },
): Executor {
  const { seccomp, opensDevices, shut, compiled, copiesFilter, helpers } = how;
  const shutBy = shut === 'itself' ? undefined : helpers && { ...helpers, remounts: shut === 'remount' };
  const env = helperEnv(o);
  return createOciExecutor(
    { name, program, env, seccomp, opensDevices, shutBy, compiled, copiesFilter },
    o.place,
  );
}

export const helperEnv = (o: TrialOptions): Readonly<Record<string, string>> => ({
  PATH: o.searchPath,
  LC_ALL: 'C',
});

/** What an earlier process found out about the same programs, kernel and rights; only success is remembered, so that a repaired machine is noticed. */
export async function tryRuntime(
  o: TrialOptions,
  runtime: TriedRuntime,
): Promise<(Success & { readonly helpers: Helpers | undefined }) | { readonly problem: string }> {
  const helpers = findHelpers(o);
  const key = sha256(JSON.stringify(circumstances(o, [runtime.program, helpers?.sh, helpers?.mount])));
  const known = parseTrial((await o.notes.get(NOTE, key.slice('sha256:'.length)))?.toString('utf8'));
  if (known !== undefined) return { ...known, helpers };
  const trial = await tryOut(o, runtime, helpers);
  // A store that cannot be written to does not stop a run: it is tried out again.
  if ('problem' in trial) return trial;
  const note = Buffer.from(JSON.stringify(trial));
  await o.notes.put(NOTE, key.slice('sha256:'.length), note).catch(() => {});
  return { ...trial, helpers };
}

/** One container that is run to find out. */
interface Attempt extends Pick<Success, 'seccomp' | 'shut' | 'compiled'> {
  readonly readOnly?: boolean;
  /** What takes the filter that the runtime compiles. */
  readonly copier?: Copier | undefined;
}

async function tryOut(o: TrialOptions, runtime: TriedRuntime, helpers: Helpers | undefined): Promise<Trial> {
  const tryWith = (attempt: Attempt): Promise<Trial> => tryOnce(o, runtime, helpers, attempt);
  const plain = await tryPlain(tryWith, isCrun(runtime.program) ? copierOf(o) : undefined);
  if ('problem' in plain) return plain;
  const { seccomp, opensDevices } = plain;
  const filters = plain.compiled === undefined ? [undefined] : [plain.compiled, undefined];
  const shuts = helpers === undefined ? [] : (['remount', 'hook'] as const);
  for (const shut of opensDevices ? shuts : (['itself'] as const)) {
    for (const compiled of filters) {
      if (shut === plain.shut && compiled === undefined) break;
      const how = { seccomp, shut, compiled };
      const trial = await tryWith(how);
      if (isShut(trial) && (shut === 'itself' || isShut(await tryWith({ ...how, readOnly: true }))))
        return trial;
    }
  }
  return { ...plain, compiled: undefined };
}

const isShut = (trial: Trial): trial is Success => !('problem' in trial) && !trial.opensDevices;

/** With the filter that `copier` took. */
async function tryPlain(
  tryWith: (attempt: Attempt) => Promise<Trial>,
  copier: Copier | undefined,
): Promise<Trial> {
  const how = { seccomp: true, shut: 'itself' } as const;
  const copied = copier && (await tryWith({ ...how, copier }));
  if (copied !== undefined && !('problem' in copied)) return copied;
  const first = await tryWith(how);
  return 'problem' in first && /seccomp/i.test(first.problem) ? tryWith({ ...how, seccomp: false }) : first;
}

async function tryOnce(
  o: TrialOptions,
  runtime: TriedRuntime,
  helpers: Helpers | undefined,
  { copier, readOnly, ...how }: Attempt,
): Promise<Trial> {
  const probe = probeProgram(process.arch);
  if (probe === undefined) return { ...how, opensDevices: true };
  const confinement = { readOnlyRoot: readOnly === true };
  const capabilities = capabilitiesOf(false, {}).map(({ name }) => name);
  const filter = seccompFilter(process.arch, capabilities);
  try {
    return await o.withEmptyRoot(async (root) => {
      probe.writeInto(root.merged);
      const copy = join(root.folder, 'filter');
      const copiesFilter = copier && { ...copier, to: copy };
      const executor = ociExecutor(o, runtime, { ...how, helpers, opensDevices: false, copiesFilter });
      const io = { stdin: 'null', output: 'events' } as const;
      const { code } = await executor.run(root, { ...PROBE, confinement, args: [probe.path] }, io);
      if (code !== 0 && code !== PROBE_DEVICES_OPEN)
        return { problem: `a trivial container ends with ${code}` };
      const compiled =
        copier === undefined || filter === undefined ? how.compiled : readCompiledFilter(filter, copy);
      return { ...how, compiled, opensDevices: code !== 0 };
    });
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

/** Undefined where one is missing. */
function findHelpers({ searchPath }: TrialOptions): Helpers | undefined {
  const sh = findProgram('sh', searchPath);
  const mount = findProgram('mount', searchPath);
  return sh === undefined || mount === undefined ? undefined : { sh, mount };
}

type Copier = Pick<CopyHook, 'sh' | 'cp'>;

/** Undefined where one of its programs is missing. */
function copierOf({ searchPath }: TrialOptions): Copier | undefined {
  const sh = findProgram('sh', searchPath);
  const cp = findProgram('cp', searchPath);
  return sh === undefined || cp === undefined ? undefined : { sh, cp };
}

const SHUTS: readonly unknown[] = ['itself', 'remount', 'hook'] satisfies readonly Shut[];

function parseTrial(text: string | undefined): Success | undefined {
  try {
    const { seccomp, opensDevices, shut, compiled } = JSON.parse(text ?? '') as Partial<Success>;
    if (typeof seccomp !== 'boolean' || typeof opensDevices !== 'boolean' || !SHUTS.includes(shut))
      return undefined;
    return { seccomp, opensDevices, shut: shut as Shut, compiled: parseCompiledFilter(compiled) };
  } catch {
    return undefined;
  }
}

const NOTE = 'runtime';

/** What shuts the root belongs to the trial: nobody may go by one that was made with another `mount`. */
function circumstances(o: TrialOptions, paths: readonly (string | undefined)[]): unknown {
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1');
  const programs = paths.map((path) => {
    if (path === undefined) return [];
    const { mtimeMs, size, ino } = statSync(path);
    return [path, mtimeMs, size, ino];
  });
  const { isUserNamespace } = readOwnNamespace();
  return [programs, boot, process.getuid?.(), isUserNamespace, o.place?.name ?? 'keeper'];
}
