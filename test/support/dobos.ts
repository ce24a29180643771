import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** The built command over one store. */
export interface Dobos {
  readonly store: string;
  /** Standard output; an error with all that was said when the exit code is not 0. */
  (...args: readonly string[]): string;
  /** The exit code and what was said, whatever it is. */
  tell(...args: readonly string[]): Told;
}

export interface Told {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DobosOptions {
  readonly store: string;
  /** Besides PATH, HOME and DOBOS_ROOT; these may be overwritten too. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly umask?: string;
  /** Program and arguments that start the command, such as `taskset 1`. */
  readonly through?: readonly string[];
  /** An ordinary user and a build that it can read. */
  readonly user?: { readonly uid: number; readonly gid: number; readonly build: string };
}

/** Many packages over a slow network, on a busy machine. */
const LONGEST_MS = 600_000;

export function dobosFor(o: DobosOptions): Dobos {
  const script = join(resolve(o.user?.build ?? '.'), 'dist', 'dobos.cjs');
  const user =
    o.user === undefined
      ? []
      : [
          'setpriv',
          ...[`--reuid=${o.user.uid}`, `--regid=${o.user.gid}`, '--clear-groups', '--inh-caps=-all', '--'],
        ];
  // Not below that home: nothing of the machine's is a test's.
  const forms = { XDG_CACHE_HOME: join(tmpdir(), 'dobos-forms') };
  const env = { PATH: PATH, HOME: '/', LANG: 'C.UTF-8', DOBOS_ROOT: o.store, ...forms, ...o.env };
  const umask = o.umask === undefined ? [] : ['sh', '-c', `umask ${o.umask}; exec "$@"`, 'sh'];
  const tell = (...args: readonly string[]): Told => {
    const [program = '', ...rest] = [
      ...user,
      ...umask,
      ...(o.through ?? []),
      process.execPath,
      script,
      ...args,
    ];
    const done = spawnSync(program, rest, {
      encoding: 'utf8',
      cwd: o.cwd ?? '/',
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 1 << 26,
      timeout: LONGEST_MS,
    });
    if (done.error !== undefined) throw done.error;
    return { code: done.status ?? -1, stdout: done.stdout, stderr: done.stderr };
  };
  const run = (...args: readonly string[]): string => {
    const told = tell(...args);
    if (told.code !== 0)
      throw new Error(`dobos ${args.join(' ')} ended with ${told.code}:\n${told.stdout}${told.stderr}`);
    return told.stdout;
  };
  return Object.assign(run, { store: o.store, tell });
}

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** A PATH with everything that this machine's has except some programs: one folder of links. */
export function pathWithout(folder: string, names: readonly string[]): string {
  mkdirSync(folder, { recursive: true });
  const seen = new Set(names);
  for (const from of PATH.split(':'))
    for (const name of namesIn(from)) {
      if (seen.has(name)) continue;
      seen.add(name);
      symlinkSync(join(from, name), join(folder, name));
    }
  return folder;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
