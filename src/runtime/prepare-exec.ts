import { posix } from 'node:path';
import { runtimeError } from './errors.ts';
import { findExecutable } from './find-executable.ts';
import {
  environment,
  type PreparedProcess,
  refuseZeroBytes,
  resolveUserIn,
  variableIn,
} from './prepare-process.ts';
import { kindInRoot, resolveInRoot } from './root-path.ts';
import type { ExecProcess, Process } from './types.ts';

export type ExecPreparation =
  | { readonly kind: 'ready'; readonly process: PreparedProcess }
  | { readonly kind: 'refused'; readonly code: 126 | 127; readonly message: string };

/**
 * Resolves one more program for a container whose first process is `first`; it gets the groups that were given to the container too. What runs in the container may change its files meanwhile: it can only
 * deceive itself, as names are all that comes out of this.
 * @throws RUNTIME_NO_COMMAND, RUNTIME_USER_FILE, RUNTIME_UNMAPPED_ID, RUNTIME_ZERO_BYTE and those of resolveUser
 */
export function prepareExec(
  first: number,
  wanted: ExecProcess,
  { groups }: Pick<Process, 'groups'>,
): ExecPreparation {
  const root = `/proc/${first}/root`;
  const [name] = wanted.args;
  if (name === undefined || name === '') throw runtimeError('RUNTIME_NO_COMMAND', {});
  refuseZeroBytes(wanted);
  const user = resolveUserIn(root, { user: wanted.user, groups });
  const env = environment({ ...wanted, hostname: '' }, user);
  const place = resolveInRoot(root, posix.normalize(wanted.cwd));
  // /proc/self/fd/N would be a directory of the host (CVE-2024-21626).
  // The root itself is a link here.
  const isFolder = place.relative === '' || kindInRoot(place) === 'directory';
  if (!wanted.cwd.startsWith('/') || /^proc(\/|$)/.test(place.relative) || !isFolder) {
    return { kind: 'refused', code: 126, message: `chdir to cwd ("${wanted.cwd}"): no such directory` };
  }
  const cwd = `/${place.relative}`;
  const found = findExecutable({
    root,
    name,
    searchPath: variableIn(env, 'PATH') ?? '',
    cwd,
    user,
    covered: [],
    shown: new Map(),
  });
  if (found.kind === 'refused') return found;
  return { kind: 'ready', process: { program: found.path, args: wanted.args, env, cwd, user, binds: [] } };
}

/** Where the streams of such a program go. */
export const execIo = ({ tty, interactive, size }: ExecProcess) =>
  ({ stdin: interactive ? 'fed' : 'null', output: tty ? 'terminal' : 'events', size }) as const;
